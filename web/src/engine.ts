/** All that the page asks of the package: models, photos, frames. */
import { drawFrame, SegmentationError, Segmenter, type FrameResult, type Segmentation } from 'silhouette-seg';

import { classMap, foundClasses, type ClassMap, type FoundClass } from './lib/class-map.js';
import type { ModelChoice } from './lib/models.js';
import { backgroundOf } from './lib/names.js';
import { pixelsFor, type Photo } from './lib/photo.js';

export { drawFrame };
export type { FrameResult, Segmentation, Segmenter };

/** What was found in a photo. */
export interface Analysis {
  readonly photo: Photo;
  readonly segmentation: Segmentation;
  readonly map: ClassMap;
  readonly found: readonly FoundClass[];
  readonly background: number | undefined;
  readonly modelTitle: string;
  /** What found it, for the same at other sizes. */
  readonly segmenter: Segmenter;
}

export interface Hypothesis {
  readonly channel: number;
  /** 0 … 1; undefined if the model doesn't tell. */
  readonly probability: number | undefined;
}

export interface LoadListener {
  onProgress(fraction: number): void;
  signal: AbortSignal;
}

export function loadModel(choice: ModelChoice, listener: LoadListener): Promise<Segmenter> {
  const { source, labels } = choice;
  return Segmenter.load(labels === undefined ? source : { modelSource: source, labels }, {
    onProgress: (fraction) => {
      listener.onProgress(fraction);
    },
    signal: listener.signal,
  });
}

export async function analyse(
  segmenter: Segmenter,
  photo: Photo,
  modelTitle: string,
  signal: AbortSignal,
): Promise<Analysis> {
  const { labels } = segmenter.description;
  const pixels = pixelsFor(photo, labels.length);
  const segmentation = await segmentWithProbabilities(segmenter, pixels, signal);
  const { argmax, width, height } = segmentation;
  const background = backgroundOf(labels);
  const map = classMap(argmax, width, height);
  const found = foundClasses(argmax, labels.length, background);
  return { photo, segmentation, map, background, found, modelTitle, segmenter };
}

/** All classes' probabilities; none where a model says only which class a pixel is. */
async function segmentWithProbabilities(
  segmenter: Segmenter,
  image: ImageData,
  signal: AbortSignal,
): Promise<Segmentation> {
  const classes = segmenter.description.labels.map((_, channel) => channel);
  try {
    return await segmenter.segment(image, { classes, resize: true, signal });
  } catch (error) {
    if (!(error instanceof SegmentationError) || error.code !== 'INVALID_ARGUMENT') throw error;
    return segmenter.segment(image, { resize: true, signal });
  }
}

/** The same at the photo's own size, for files; what is shown will do where it isn't smaller. */
export async function analyseWhole({ photo, segmentation, segmenter }: Analysis): Promise<Segmentation> {
  if (segmentation.width === photo.width && segmentation.height === photo.height) return segmentation;
  return segmenter.segment(photo.file, { resize: true });
}

/** The likeliest classes of a pixel, the one that the map shows first; of models without probabilities that one alone. */
export function probe(analysis: Analysis, x: number, y: number): Hypothesis[] {
  const { segmentation, map } = analysis;
  const pixel = y * map.width + x;
  const shown = map.argmax[pixel] as number;
  if (segmentation.classes.length === 0) return [{ channel: shown, probability: undefined }];
  const hypotheses = segmentation.classes.map((channel) => ({
    channel,
    probability: segmentation.probabilities.get(channel)?.[pixel] ?? 0,
  }));
  return hypotheses
    .sort((a, b) => Number(b.channel === shown) - Number(a.channel === shown) || b.probability - a.probability)
    .slice(0, 3);
}
