import { useCallback } from 'react';

import { publicError, SegmentationError } from '../errors.js';
import {
  SemanticSegmentationModule,
  type SegmentationLabels,
  type SemanticMaps,
  type SemanticSegmentationModelSources,
  type TensorPixels,
} from '../generations/semantic-segmentation-module.js';
import type { ImageInput } from '../image-input.js';
import { isObject } from '../kinds.js';
import { resourceKey } from '../resource.js';
import { useLoaded } from './use-loaded.js';
import { useTurn } from './use-turn.js';

export interface UseSemanticSegmentationOptions<C extends SemanticSegmentationModelSources> {
  model: C;
  /** Don't load yet. A model that is loaded already stays. */
  preventLoad?: boolean;
}

export interface SemanticSegmentation<L> {
  /**
   * Segments an image; see {@link SemanticSegmentationModule.forward}. Rejects with "module not loaded" before the model is
   * ready and with "model generating" while another call of this hook goes on.
   */
  forward: <const K extends keyof L = never>(
    input: string | TensorPixels | ImageInput,
    classesOfInterest?: readonly K[],
    resizeToInput?: boolean,
  ) => Promise<SemanticMaps<K>>;
  /** Why the model could not be loaded. */
  error: SegmentationError | null;
  isReady: boolean;
  isGenerating: boolean;
  /** Of the model's download, 0 … 1. */
  downloadProgress: number;
  /** Frames of a camera are React Native's: null here. */
  runOnFrame: null;
}

const free = (module: SemanticSegmentationModule<unknown>): void => {
  module.delete();
};

function keyOf(model: unknown): string {
  if (!isObject(model)) return resourceKey(model);
  const { modelName, modelSource } = model as { modelName?: unknown; modelSource?: unknown };
  return `${String(modelName)} ${resourceKey(modelSource)}`;
}

function asError(reason: unknown): SegmentationError {
  const known = publicError(reason);
  return known instanceof SegmentationError ? known : new SegmentationError('CANCELLED', 'loading was cancelled');
}

/** Loads a model for a component and frees it when the component goes: the hook of react-native-executorch 0.8 and 0.9. */
export function useSemanticSegmentation<const C extends SemanticSegmentationModelSources>({
  model,
  preventLoad = false,
}: UseSemanticSegmentationOptions<C>): SemanticSegmentation<SegmentationLabels<C>> {
  type Module = SemanticSegmentationModule<SegmentationLabels<C>>;
  const { current, isReady, error, progress } = useLoaded<Module>(
    keyOf(model),
    preventLoad,
    (onProgress, signal) => SemanticSegmentationModule.fromModelName(model, onProgress, signal),
    free,
  );
  const { isGenerating, run } = useTurn();

  const forward = useCallback(
    <const K extends keyof SegmentationLabels<C> = never>(
      input: string | TensorPixels | ImageInput,
      classesOfInterest: readonly K[] = [],
      resizeToInput = true,
    ): Promise<SemanticMaps<K>> => run(current(), (module) => module.forward(input, classesOfInterest, resizeToInput)),
    [run, current],
  );

  return {
    forward,
    error: error === null ? null : asError(error),
    isReady,
    isGenerating,
    downloadProgress: progress,
    runOnFrame: null,
  };
}
