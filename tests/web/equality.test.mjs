// Results in the browser are the native build's, on the same pixels, whatever the build and the number of threads; and those
// of the networks' own frameworks.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { agreement, largestError, native, openPage, serveHarness } from './support/harness.mjs';
import { GOLDEN, SAMPLES } from './support/paths.mjs';
import { readPng } from './support/png.mjs';

const LEAST_AGREEMENT = 0.9999;
const LARGEST_ERROR = 1e-3;

const BUILDS = [
  { file: 'silhouette.wasm', threads: 1 },
  { file: 'silhouette-relaxed.wasm', threads: 1 },
  { file: 'silhouette-threads.wasm', threads: 2 },
  { file: 'silhouette-relaxed-threads.wasm', threads: 2 },
];

const CASES = [
  { model: 'DEEPLAB_V3_MOBILENET_V2_EMBEDDED', photo: 'chelsea', classes: [0, 8], resize: true },
  { model: 'DEEPLAB_V3_MOBILENET_V2_EMBEDDED', photo: 'bird', classes: [3], resize: false },
  { model: 'SELFIE_SEGMENTATION_EMBEDDED', photo: 'astronaut', classes: [0, 1], resize: true },
  { model: 'SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED', photo: 'coffee', classes: [1], resize: false },
];

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launchChromium(), serveHarness()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const references = new Map();

/** What the native build makes of a case. */
async function reference(one) {
  const key = JSON.stringify(one);
  if (!references.has(key)) {
    const segmenter = await native.Segmenter.load(native[one.model], { engine: 'native' });
    const { width, height, channels, data } = readPng(join(SAMPLES, `${one.photo}.png`));
    const { classes, resize } = one;
    references.set(key, await segmenter.segment({ data, width, height, channels }, { classes, resize }));
    segmenter.close();
  }
  return references.get(key);
}

/** The photo by its file: PNGs are decoded to the same pixels everywhere. */
function segmentInPage(page, one, threads) {
  return page.evaluate(
    async ([{ model, photo, classes, resize }, count]) => {
      const segmenter = await window.silhouette.Segmenter.load(window.silhouette[model], { threads: count });
      try {
        const file = await (await fetch(`/samples/${photo}.png`)).blob();
        const result = await window.segmented(segmenter, file, { classes, resize });
        return { ...result, probabilities: Object.values(result.probabilities) };
      } finally {
        segmenter.close();
      }
    },
    [one, threads],
  );
}

for (const { file, threads } of BUILDS) {
  test(`${file}: results are the native build's`, async (t) => {
    const { page, failures, close } = await openPage(browser, server);
    await page.evaluate((wasm) => {
      window.silhouette.configure({ wasmUrl: new URL(wasm, location.href).href });
    }, `/package/dist/wasm/${file}`);
    for (const one of CASES) {
      const found = await segmentInPage(page, one, threads);
      const expected = await reference(one);
      assert.deepEqual([found.width, found.height], [expected.width, expected.height]);
      const agrees = agreement(found.argmax, expected.argmax);
      const errors = [...expected.probabilities.values()].map((values, i) =>
        largestError(found.probabilities[i], values),
      );
      t.diagnostic(
        `${one.model}, ${one.photo}: ${(agrees * 100).toFixed(4)} %, ${Math.max(...errors).toExponential(1)}`,
      );
      assert.ok(agrees >= LEAST_AGREEMENT, `${one.model}: ${agrees}`);
      assert.ok(Math.max(...errors) <= LARGEST_ERROR, `${one.model}: ${errors.join(', ')}`);
    }
    const wasm = server.requests.map(({ path }) => path).filter((path) => path.endsWith('.wasm'));
    assert.ok(wasm.at(-1)?.endsWith(`/${file}`), `${wasm.at(-1)} was fetched`);
    assert.deepEqual(failures(), []);
    await close();
  });
}

test('chosen by itself: relaxed SIMD and threads, one file, and the result is PyTorch’s', async () => {
  const { page, failures, close } = await openPage(browser, server);
  const before = server.requests.length;
  const one = CASES[1];
  const found = await segmentInPage(page, one, undefined);
  const wasm = server.requests.slice(before).filter(({ path }) => path.endsWith('.wasm'));
  assert.deepEqual(
    wasm.map(({ path }) => path.split('/').at(-1)),
    ['silhouette-relaxed-threads.wasm'],
  );
  const folder = join(GOLDEN, 'pipeline', 'bird');
  assert.ok(agreement(found.argmax, readPng(join(folder, 'model_argmax.png')).data) >= LEAST_AGREEMENT);
  const golden = Float32Array.from(readPng(join(folder, 'model_BIRD.png')).data, (value) => value / 65535);
  assert.ok(largestError(found.probabilities[0], golden) <= LARGEST_ERROR);
  assert.deepEqual(failures(), []);
  await close();
});
