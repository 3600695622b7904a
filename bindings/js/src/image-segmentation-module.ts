import { describeValue, invalidArgument, reporting, SegmentationError } from './errors.js';
import type { DeeplabLabel } from './labels.js';
import { toMaps, type SegmentationMaps } from './legacy-result.js';
import { resourceKey, type ResourceSource } from './resource.js';
import { Segmenter } from './segmenter.js';

interface Loading {
  key: string;
  promise: Promise<void>;
}

/**
 * One model at a time, as in react-native-executorch: a program written for its `ImageSegmentationModule` runs unchanged.
 * New programs are better off with {@link Segmenter}.
 */
export class ImageSegmentationModule {
  static #segmenter: Segmenter | undefined;
  static #progress: ((fraction: number) => void) | undefined;
  static #loading: Loading | undefined;
  static #newestLoad = 0;
  static #loadInUse = 0;

  /** Stores the callback that hears of a `load`'s progress, 0 … 1; there is one, and it replaces an earlier one. */
  static onDownloadProgress(callback: (fraction: number) => void): void {
    if (typeof callback !== 'function') {
      throw invalidArgument(`onDownloadProgress got ${describeValue(callback)}; give it a function`);
    }
    ImageSegmentationModule.#progress = callback;
  }

  /**
   * Loads a model, downloading it at most once; it then takes the place of the one before. Of several loads at once the last
   * one asked for stays, and those of the same source are one. If it fails, the model loaded before stays in use.
   */
  static load(modelSource: ResourceSource): Promise<void> {
    const key = resourceKey(modelSource);
    if (ImageSegmentationModule.#loading?.key === key) return ImageSegmentationModule.#loading.promise;
    const promise = ImageSegmentationModule.#load(modelSource, ++ImageSegmentationModule.#newestLoad);
    const loading = { key, promise };
    ImageSegmentationModule.#loading = loading;
    const done = (): void => {
      if (ImageSegmentationModule.#loading === loading) ImageSegmentationModule.#loading = undefined;
    };
    promise.then(done, done);
    return promise;
  }

  static async #load(modelSource: ResourceSource, number: number): Promise<void> {
    const segmenter = await Segmenter.load(modelSource, {
      onProgress: (fraction) => ImageSegmentationModule.#progress?.(fraction),
    });
    if (number < ImageSegmentationModule.#loadInUse) {
      // A load that was asked for later was faster.
      segmenter.close();
      return;
    }
    ImageSegmentationModule.#segmenter?.close();
    ImageSegmentationModule.#segmenter = segmenter;
    ImageSegmentationModule.#loadInUse = number;
  }

  /**
   * Segments an image: an http(s) URL, a `file://` URI, a path or base64 text. The maps have the model's size, or with
   * `resize` the image's; their sizes aren't told: {@link Segmenter.segment} does.
   */
  static forward<const Label extends DeeplabLabel = DeeplabLabel.ARGMAX>(
    input: string,
    classesOfInterest: readonly Label[] = [],
    resize = false,
  ): Promise<SegmentationMaps<Label>> {
    return reporting(() => ImageSegmentationModule.#forward(input, classesOfInterest, resize));
  }

  static async #forward<const Label extends DeeplabLabel>(
    input: string,
    classesOfInterest: readonly Label[],
    resize: boolean,
  ): Promise<SegmentationMaps<Label>> {
    const options = { classes: numbersOf(classesOfInterest), resize, keepImage: false };
    for (;;) {
      const segmenter = ImageSegmentationModule.#segmenter;
      if (segmenter === undefined) {
        throw new SegmentationError('MODEL_NOT_LOADED', 'no model is loaded; call ImageSegmentationModule.load first');
      }
      try {
        return (await toMaps(await segmenter.segment(input, options))) as SegmentationMaps<Label>;
      } catch (error) {
        // A call that waits for its turn while another model takes the place of its own runs on that one.
        if (!(error instanceof SegmentationError && error.code === 'MODEL_NOT_LOADED')) throw error;
      }
    }
  }

  /** Frees the model. Not in react-native-executorch, which never does. */
  static unload(): void {
    ImageSegmentationModule.#segmenter?.close();
    ImageSegmentationModule.#segmenter = undefined;
    // A load that is still going on would otherwise bring one back.
    ImageSegmentationModule.#loadInUse = ImageSegmentationModule.#newestLoad + 1;
    ImageSegmentationModule.#newestLoad = ImageSegmentationModule.#loadInUse;
    ImageSegmentationModule.#loading = undefined;
  }
}

/** Label numbers without `ARGMAX`, which is no class, so that it can't be taken for channel 21 of a larger model. */
export function numbersOf(classes: readonly DeeplabLabel[] | null): number[] {
  const argmax = 21;
  if (classes === null) return [];
  if (!Array.isArray(classes)) {
    throw invalidArgument(`classesOfInterest is ${describeValue(classes)}; give an array of labels`);
  }
  return (classes as number[]).filter((label) => label !== argmax);
}
