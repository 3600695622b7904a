// Frames a second that the selfie model gives for video of 640×480, back to back: a camera gives no more than it has.
const FRAMES = 150;
const KINDS = [
  { label: 'alpha', options: {} },
  { label: 'alpha, smoothed', options: { smoothing: 0.5 } },
  { label: 'blurred background drawn', options: {}, draw: true },
];

export async function measureFrames(browser, origin) {
  const found = [];
  for (const model of ['SELFIE_SEGMENTATION_EMBEDDED', 'SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED']) {
    const page = await browser.newPage();
    await page.goto(`${origin}/pages/frames.html`);
    await page.waitForFunction(() => window.run !== undefined);
    for (const { label, ...kind } of KINDS) {
      const times = await page.evaluate((what) => window.run(what), { model, frames: FRAMES, ...kind });
      found.push({ model, kind: label, ...times });
    }
    await page.close();
  }
  console.log(`\nVideo of 640×480, ${FRAMES} frames back to back`);
  console.table(
    found.map(({ model, kind, framesPerSecond, networkMs, totalMs }) => ({
      model,
      kind,
      'frames a second': Number(framesPerSecond.toFixed(1)),
      'network ms': Number(networkMs.toFixed(1)),
      'total ms': Number(totalMs.toFixed(1)),
    })),
  );
  return found;
}
