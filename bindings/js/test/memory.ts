import { Segmenter } from 'silhouette-seg';

import { chelsea, embeddedFile, residentMiB, slope } from './support.js';

export interface Growth {
  /** MiB that resident memory grew by per step, over the second half of the steps. */
  perStep: number;
  resident: number[];
}

async function measure(steps: number, every: number, step: () => Promise<void>): Promise<Growth> {
  const resident: number[] = [];
  for (let i = 1; i <= steps; ++i) {
    await step();
    if (i % every === 0) resident.push(await residentMiB());
  }
  return { perStep: slope(resident.slice(resident.length / 2)) / every, resident };
}

/** Segmentations in a row with one model, results thrown away. */
export async function growthOfSegmenting(steps: number, every: number): Promise<Growth> {
  const segmenter = await Segmenter.load(embeddedFile);
  const growth = await measure(steps, every, async () => {
    const result = await segmenter.segment(chelsea, { classes: ['CAT'] });
    if (result.width !== 513) throw new Error('wrong result');
  });
  segmenter.close();
  return growth;
}

/** Loads of a model, each with one use and a close. */
export function growthOfLoading(steps: number, every: number): Promise<Growth> {
  return measure(steps, every, async () => {
    const segmenter = await Segmenter.load(embeddedFile);
    await segmenter.segment(chelsea);
    segmenter.close();
  });
}
