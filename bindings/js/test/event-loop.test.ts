import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, test } from 'node:test';

import { DeeplabLabel, DEEPLAB_V3_MOBILENET_V2_EMBEDDED, ImageSegmentationModule, Segmenter } from 'silhouette-seg';

import { largePhoto, ppm, scratchFolder } from './support.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(scratchFolder(), 'large.ppm');
let segmenter: Segmenter;

before(async () => {
  writeFileSync(file, ppm(largePhoto()));
  segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  await segmenter.segment(file);
});
after(() => {
  segmenter.close();
});

/** Longest time that the event loop was held up, and time in all, ms. */
async function measure(work: () => Promise<unknown>): Promise<{ longest: number; total: number }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  // It measures from its first beat on.
  await new Promise((done) => setTimeout(done, 20));
  const began = performance.now();
  await work();
  const total = performance.now() - began;
  // The last delay counts when the timer of the histogram fires after it.
  await new Promise((done) => setTimeout(done, 5));
  histogram.disable();
  return { longest: histogram.max / 1e6, total };
}

test('12 megapixels resized back do not hold up the event loop', async (t) => {
  const { longest, total } = await measure(() => segmenter.segment(file, { resize: true, classes: ['CAT', 'DOG'] }));
  t.diagnostic(`call ${total.toFixed(0)} ms, longest delay ${longest.toFixed(1)} ms`);
  // The machine may be busy with other things; a call on the event loop's thread would give more than nine tenths.
  assert.ok(longest < total / 2, `${String(longest)} of ${String(total)} ms`);
});

test('nor do the arrays of numbers of the documented API', async (t) => {
  await ImageSegmentationModule.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const { longest, total } = await measure(() => ImageSegmentationModule.forward(file, [DeeplabLabel.CAT], true));
  t.diagnostic(`call ${total.toFixed(0)} ms, longest delay ${longest.toFixed(1)} ms`);
  assert.ok(longest < total / 2, `${String(longest)} of ${String(total)} ms`);
  ImageSegmentationModule.unload();
});
