// The same in Firefox: results, inputs, threads, downloads, video frames. Chromium's tests say more.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { hasFirefox, launchFirefox } from './support/browsers.mjs';
import { agreement, largestError, native, openPage, serveHarness } from './support/harness.mjs';
import { SAMPLES } from './support/paths.mjs';
import { STRICT_POLICY } from './support/server.mjs';

const skip = hasFirefox ? false : 'there is no Firefox';

let browser;
before(async () => {
  if (hasFirefox) browser = await launchFirefox();
});
after(async () => {
  await browser?.close();
});

async function withPage(options, use) {
  const server = await serveHarness(options);
  const harness = await openPage(browser, server);
  try {
    await use(harness.page, server);
    assert.deepEqual(harness.failures(), []);
  } finally {
    await harness.close();
    await server.close();
  }
}

for (const isolated of [true, false]) {
  test(`results are the native build's, ${isolated ? 'with' : 'without'} shared memory`, { skip }, async (t) => {
    await withPage({ isolated, policy: STRICT_POLICY }, async (page, server) => {
      assert.equal(await page.evaluate(() => self.crossOriginIsolated), isolated);
      const found = await page.evaluate(async () => {
        const segmenter = await window.silhouette.Segmenter.load(window.silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
        const file = await (await fetch('/samples/chelsea.png')).blob();
        const { argmax, probabilities } = await segmenter.segment(file, { classes: ['CAT'], resize: true });
        segmenter.close();
        return { argmax, cat: probabilities.get('CAT') };
      });
      const segmenter = await native.Segmenter.load(native.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
      const expected = await segmenter.segment(join(SAMPLES, 'chelsea.png'), { classes: ['CAT'], resize: true });
      segmenter.close();
      assert.ok(agreement(found.argmax, expected.argmax) >= 0.9999);
      assert.ok(largestError(found.cat, expected.probabilities.get('CAT')) <= 1e-3);
      const files = server.requests.map(({ path }) => path.split('/').at(-1)).filter((name) => name.endsWith('.wasm'));
      t.diagnostic(files.join(' '));
      assert.equal(files.length, 1);
      assert.equal(files[0].includes('threads'), isolated);
    });
  });
}

test('every kind of input that Firefox has gives the same result', { skip }, async () => {
  await withPage({}, async (page) => {
    const results = await page.evaluate(async () => {
      const segmenter = await window.silhouette.Segmenter.load(new URL('/models/tiny_plain.pte', location.href).href);
      const inputs = await window.makeInputs('/samples/chelsea.png');
      const found = {};
      for (const [kind, input] of Object.entries(inputs)) {
        const { value, error } = await window.outcome(window.segmented(segmenter, input, { resize: true }));
        found[kind] = { error: error?.message, argmax: value?.argmax };
      }
      segmenter.close();
      return found;
    });
    for (const [kind, { error, argmax }] of Object.entries(results)) {
      assert.equal(error, undefined, kind);
      assert.equal(agreement(argmax, results.ImageData.argmax), 1, kind);
    }
  });
});

test('models are kept, used again and deleted', { skip }, async () => {
  await withPage({}, async (page, server) => {
    const found = await page.evaluate(async () => {
      const { cache, Segmenter } = window.silhouette;
      const url = new URL('/embedded/selfie_segmentation.pte', location.href).href;
      for (let i = 0; i < 2; ++i) (await Segmenter.load(url)).close();
      return [(await cache.list()).length, await cache.remove(url), await cache.size()];
    });
    assert.deepEqual(found, [1, true, 0]);
    assert.equal(server.requests.filter(({ path }) => path === '/embedded/selfie_segmentation.pte').length, 1);
  });
});

test('frames', { skip }, async () => {
  await withPage({}, async (page) => {
    const shares = await page.evaluate(async () => {
      const segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: 640, height: 480 });
      canvas.getContext('2d').drawImage(await window.elementOf('/samples/astronaut.png'), 64, 0);
      const found = [];
      for (const frame of [canvas, new VideoFrame(canvas, { timestamp: 0 }), await createImageBitmap(canvas)]) {
        const { alpha } = await segmenter.segmentFrame(frame);
        found.push(alpha.reduce((sum, value) => sum + value, 0) / 255 / alpha.length);
      }
      segmenter.close();
      return found;
    });
    for (const share of shares) assert.ok(share > 0.2 && share < 0.8, `${share}`);
  });
});
