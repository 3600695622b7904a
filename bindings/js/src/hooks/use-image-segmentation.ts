import { useCallback } from 'react';

import { messageOf } from '../errors.js';
import { numbersOf } from '../image-segmentation-module.js';
import type { DeeplabLabel } from '../labels.js';
import { toMaps, type SegmentationMaps } from '../legacy-result.js';
import { resourceKey, type ResourceSource } from '../resource.js';
import { Segmenter } from '../segmenter.js';
import { useLoaded } from './use-loaded.js';
import { useTurn } from './use-turn.js';

export interface UseImageSegmentationOptions {
  modelSource: ResourceSource;
  /** Don't load yet. A model that is loaded already stays. */
  preventLoad?: boolean;
}

export interface ImageSegmentation {
  /**
   * Segments an image. Rejects with "module not loaded" before the model is ready and with "model generating" while another
   * call of this hook goes on.
   */
  forward: <const Label extends DeeplabLabel = DeeplabLabel.ARGMAX>(
    input: string,
    classesOfInterest?: readonly Label[],
    resize?: boolean,
  ) => Promise<SegmentationMaps<Label>>;
  /** Why the model could not be loaded. */
  error: string | null;
  isReady: boolean;
  isGenerating: boolean;
  /** Of the model's download, 0 … 1. */
  downloadProgress: number;
}

const close = (segmenter: Segmenter): void => {
  segmenter.close();
};

/** Loads a model for a component and frees it when the component goes: the hook of react-native-executorch 0.4 to 0.7. */
export function useImageSegmentation({
  modelSource,
  preventLoad = false,
}: UseImageSegmentationOptions): ImageSegmentation {
  const loaded = useLoaded(
    resourceKey(modelSource),
    preventLoad,
    (onProgress, signal) => Segmenter.load(modelSource, { onProgress, signal }),
    close,
  );
  const { current, isReady, error, progress } = loaded;
  const { isGenerating, run } = useTurn();

  const forward = useCallback(
    <const Label extends DeeplabLabel = DeeplabLabel.ARGMAX>(
      input: string,
      classesOfInterest: readonly Label[] = [],
      resize = false,
    ): Promise<SegmentationMaps<Label>> =>
      run(current(), async (segmenter) => {
        const classes = numbersOf(classesOfInterest);
        const result = await segmenter.segment(input, { classes, resize, keepImage: false });
        return (await toMaps(result)) as SegmentationMaps<Label>;
      }),
    [run, current],
  );

  return {
    forward,
    error: error === null ? null : messageOf(error),
    isReady,
    isGenerating,
    downloadProgress: progress,
  };
}
