// Nothing grows: over 500 frames, over 50 models loaded and closed, over results that nobody keeps.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { openPage, serveHarness } from './support/harness.mjs';
import { rendererMiB, slope } from './support/memory.mjs';

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launchChromium({ flags: ['--js-flags=--expose-gc'] }), serveHarness()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Memory after each of `steps` calls of a function of the page's, the first few left out. `collect`: garbage, before each look. */
async function grown(t, setUp, step, { steps, warmUp, least, collect = true }) {
  const { page, close } = await openPage(browser, server);
  await page.evaluate(setUp);
  const sizes = [];
  for (let i = -warmUp; i < steps; ++i) {
    await page.evaluate(step);
    if (collect) await page.evaluate(() => window.gc());
    if (i >= 0) sizes.push(await rendererMiB(browser, page, { collect }));
  }
  await close();
  const perStep = slope(sizes);
  t.diagnostic(`${perStep.toFixed(3)} MiB a step: ${sizes.map((mib) => mib.toFixed(0)).join(' ')}`);
  assert.ok(perStep < least, `${perStep} MiB a step`);
}

test('500 frames', async (t) => {
  const setUp = async () => {
    window.segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
    window.canvas = new OffscreenCanvas(640, 480);
    window.canvas.getContext('2d').drawImage(await window.elementOf('/samples/astronaut.png'), 64, 0);
    // As cameras give them: brightness, and colours at half of the size.
    const planes = new Uint8Array(640 * 480 * 1.5).fill(128);
    window.makeFrame = (timestamp) =>
      timestamp % 4 < 2
        ? new VideoFrame(window.canvas, { timestamp })
        : new VideoFrame(planes, { format: 'I420', codedWidth: 640, codedHeight: 480, timestamp });
  };
  const step = async () => {
    for (let i = 0; i < 25; ++i) {
      const frame = window.makeFrame(i);
      await window.segmenter.segmentFrame(frame, { output: i % 2 ? 'bitmap' : 'alpha' });
      frame.close();
    }
  };
  // Garbage counts: masks that nobody closes are 3 MiB a step, frames 30.
  await grown(t, setUp, step, { steps: 20, warmUp: 3, least: 0.8, collect: false });
});

test('50 models loaded and closed', async (t) => {
  const step = async () => {
    const segmenter = await window.silhouette.Segmenter.load(window.silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
    await segmenter.segment({ data: new Uint8Array(300), width: 10, height: 10, channels: 3 });
    segmenter.close();
  };
  // A model takes 50 MiB, the least that could stay of it is its file, 8 MiB. Chromium comes to rest after some twenty: what was
  // fetched alone stays for a while, 11 MiB each time. Then sizes lie up to 65 MiB apart, which moves the slope by half a MiB.
  await grown(t, () => undefined, step, { steps: 30, warmUp: 20, least: 2 });
});

test('results that nobody keeps, and their pictures', async (t) => {
  const setUp = async () => {
    window.segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
    window.photo = await window.pixelsOf('/samples/astronaut.png');
  };
  const step = async () => {
    for (let i = 0; i < 4; ++i) {
      const result = await window.segmenter.segment(window.photo, { resize: true, classes: [1] });
      await result.toCutoutPng();
      await result.toOverlayImageData();
    }
  };
  // The maps of one result are 2 MiB, the photo and its pictures 3 more.
  await grown(t, setUp, step, { steps: 20, warmUp: 5, least: 2 });
});
