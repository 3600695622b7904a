// From a page's opening to its first result, with a warm cache: what a visitor waits for who was here before.
const TIMES = 5;

const MODELS = [
  { name: 'DEEPLAB_V3_MOBILENET_V2_EMBEDDED', rgb: '/work/bird.rgb', side: 513 },
  { name: 'SELFIE_SEGMENTATION_EMBEDDED', rgb: '/work/selfie.rgb', side: 256 },
];

/** Page opens, result, and the network's part of that, by the page's clock. */
async function openOnce(context, origin, { name, rgb, side }) {
  const page = await context.newPage();
  await page.goto(`${origin}/pages/opening.html?model=${name}&rgb=${rgb}&side=${side}`);
  const times = await page.waitForFunction(() => window.times).then((handle) => handle.jsonValue());
  await page.close();
  if (times.error) throw new Error(times.error);
  return times;
}

export async function measureOpening(browser, origin) {
  const found = [];
  for (const model of MODELS) {
    const context = await browser.newContext();
    await openOnce(context, origin, model);
    const runs = [];
    for (let i = 0; i < TIMES; ++i) runs.push(await openOnce(context, origin, model));
    await context.close();
    runs.sort((a, b) => a.resultMs - b.resultMs);
    const { resultMs, networkMs, loadedMs } = runs[TIMES >> 1];
    found.push({ model: model.name, resultMs, loadedMs, networkMs, beyondNetworkMs: resultMs - networkMs, runs });
  }
  console.log('\nPage open to first result, warm cache, median of five, ms');
  console.table(
    Object.fromEntries(
      found.map(({ model, runs: _, ...times }) => [
        model,
        Object.fromEntries(Object.entries(times).map(([key, ms]) => [key, Math.round(ms)])),
      ]),
    ),
  );
  return found;
}
