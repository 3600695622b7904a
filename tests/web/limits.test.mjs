// Calls that end early, hostile models, and too little memory: an error with a code, and the next call is right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { openPage, serveHarness } from './support/harness.mjs';
import { SMALL_MODELS } from './support/paths.mjs';

let browser;
before(async () => {
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
});

async function withPage(options, use) {
  const server = await serveHarness(options);
  const harness = await openPage(browser, server);
  try {
    await use(harness.page, harness);
  } finally {
    await harness.close();
    await server.close();
  }
}

for (const isolated of [true, false]) {
  test(`a call that is aborted ends at once, ${isolated ? 'with' : 'without'} shared memory`, async () => {
    await withPage({ isolated }, async (page) => {
      const found = await page.evaluate(async () => {
        const segmenter = await window.silhouette.Segmenter.load(window.silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
        const photo = await window.pixelsOf('/samples/bird.png');
        const reference = await segmenter.segment(photo);
        const before = new AbortController();
        before.abort();
        const outcomes = [await window.outcome(segmenter.segment(photo, { signal: before.signal }))];
        for (let i = 0; i < 4; ++i) {
          const controller = new AbortController();
          // One runs and one waits when both are aborted.
          const calls = [1, 2, 3].map(() => window.outcome(segmenter.segment(photo, { signal: controller.signal })));
          await new Promise((resolve) => requestAnimationFrame(resolve));
          controller.abort();
          outcomes.push(...(await Promise.all(calls)));
        }
        const after = await segmenter.segment(photo);
        segmenter.close();
        return {
          names: outcomes.map(({ error }) => error?.name),
          same: after.argmax.every((label, i) => label === reference.argmax[i]),
        };
      });
      assert.deepEqual(found.names, Array(13).fill('AbortError'));
      assert.ok(found.same, 'the next call is right');
    });
  });
}

test('close while calls go on: those that run end well or with a reason, those that wait fail, and nothing is loaded', async () => {
  await withPage({}, async (page) => {
    const outcomes = await page.evaluate(async () => {
      const segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
      const photo = await window.pixelsOf('/samples/astronaut.png');
      const calls = Array.from({ length: 6 }, () => window.outcome(segmenter.segment(photo)));
      segmenter.close();
      segmenter.close();
      calls.push(window.outcome(segmenter.segment(photo)));
      return (await Promise.all(calls)).map(({ error, value }) => error?.code ?? typeof value);
    });
    for (const outcome of outcomes) assert.ok(['object', 'MODEL_NOT_LOADED'].includes(outcome), outcome);
    assert.equal(outcomes.at(-1), 'MODEL_NOT_LOADED');
  });
});

test('too little memory is LIMIT_EXCEEDED, and the next model loads', async () => {
  await withPage({}, async (page) => {
    const found = await page.evaluate(async () => {
      const { configure, Segmenter, DEEPLAB_V3_MOBILENET_V2_EMBEDDED, SELFIE_SEGMENTATION_EMBEDDED } =
        window.silhouette;
      configure({ maxMemoryBytes: 24 * 2 ** 20 });
      const large = await window.outcome(Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED));
      const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
      const photo = await window.pixelsOf('/samples/astronaut.png');
      const huge = { data: new Uint8Array(3 * 6000 * 6000), width: 6000, height: 6000, channels: 3 };
      const tooLarge = await window.outcome(segmenter.segment(huge, { resize: true }));
      const { argmax } = await segmenter.segment(photo);
      segmenter.close();
      return { large: large.error, tooLarge: tooLarge.error, person: argmax.reduce((sum, label) => sum + label, 0) };
    });
    assert.equal(found.large?.code, 'LIMIT_EXCEEDED', found.large?.message);
    assert.equal(found.tooLarge?.code, 'LIMIT_EXCEEDED', found.tooLarge?.message);
    assert.ok(found.person > 10_000);
  });
});

/** SplitMix64's upper bits, so that every run turns the same bits. */
function* random(seed) {
  const mask = (1n << 64n) - 1n;
  for (let state = BigInt(seed); ;) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    yield Number((z ^ (z >> 31n)) >> 33n);
  }
}

test('broken models are refused or run, and break nothing', async (t) => {
  const files = ['tiny_plain.pte', 'tiny_portable.pte', 'tiny_single_channel.pte'];
  const numbers = random(7);
  const broken = [];
  for (const name of files) {
    const whole = readFileSync(join(SMALL_MODELS, name));
    for (let i = 0; i < 40; ++i) {
      const bytes = Uint8Array.from(whole);
      // Most of a file are weights, which may be anything: what describes the network is aimed at.
      for (let k = 0; k < 3; ++k) {
        const near = numbers.next().value % Math.min(bytes.length, 8192);
        bytes[numbers.next().value % 2 ? near : bytes.length - 1 - near] ^= 1 << (numbers.next().value % 8);
      }
      broken.push(bytes);
    }
    broken.push(Uint8Array.from(whole.subarray(0, whole.length / 2)), new Uint8Array(0), new Uint8Array(1000));
  }
  await withPage({}, async (page) => {
    const outcomes = {};
    for (const bytes of broken) {
      const { value, error } = await page.evaluate(
        (file) =>
          window.outcome(
            (async () => {
              const segmenter = await window.silhouette.Segmenter.load(file);
              try {
                await segmenter.segment({ data: new Uint8Array(48), width: 4, height: 4, channels: 3 });
              } finally {
                segmenter.close();
              }
              return 'ran';
            })(),
          ),
        bytes,
      );
      if (error) assert.ok(error.isOurs && error.message.length > 10, error.message);
      const key = error?.code ?? value;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
    }
    t.diagnostic(JSON.stringify(outcomes));
    assert.equal(outcomes.INTERNAL, undefined, 'a defect of ours');
    assert.ok(outcomes.INVALID_MODEL > 10);
    assert.ok((await page.evaluate(() => window.countPerson())).person > 10_000);
  });
});
