import { cache } from '../cache.js';
import {
  createSemanticSegmenter,
  type SemanticSegmenter,
  type SemanticSegmenterModel,
} from '../generations/semantic-segmenter.js';
import { RnExecuTorchError } from '../generations/rn-errors.js';
import { messageOf } from '../errors.js';
import { useLoaded } from './use-loaded.js';

export interface UseSemanticSegmenterOptions {
  /** Don't load yet. A model that is loaded already stays. */
  preventLoad?: boolean;
  /** Download also what is in the cache. */
  forceDownload?: boolean;
}

export interface SemanticSegmenterHook<L extends PropertyKey> {
  readonly isReady: boolean;
  readonly error: Error | undefined;
  /** Of the model's download, 0 … 100. */
  readonly downloadProgress: number;
  /** The configuration, once the model is here. */
  readonly resource: SemanticSegmenterModel<L> | undefined;
  readonly segment: SemanticSegmenter<L>['segment'] | undefined;
  readonly segmentWorklet: SemanticSegmenter<L>['segmentWorklet'] | undefined;
  readonly labels: readonly L[];
}

const dispose = ({ segmenter }: { segmenter: { dispose: () => void } }): void => {
  segmenter.dispose();
};

/** Loads a model for a component and frees it when the component goes: the hook of react-native-executorch 0.10. */
export function useSemanticSegmenter<const L extends PropertyKey = string>(
  config: SemanticSegmenterModel<L>,
  options?: UseSemanticSegmenterOptions | null,
): SemanticSegmenterHook<L> {
  const { preventLoad = false, forceDownload = false } = options ?? {};
  const { value, isReady, error, progress } = useLoaded(
    JSON.stringify([config, forceDownload]),
    preventLoad,
    async (onProgress, signal) => {
      if (forceDownload && /^https?:/i.test(config.modelPath)) await cache.remove(config.modelPath);
      return { config, segmenter: await createSemanticSegmenter(config, { onProgress, signal }) };
    },
    dispose,
  );
  return {
    isReady,
    error:
      error === null ? undefined : error instanceof Error ? error : new RnExecuTorchError('UNKNOWN', messageOf(error)),
    downloadProgress: 100 * progress,
    resource: value?.config,
    segment: value?.segmenter.segment,
    segmentWorklet: value?.segmenter.segmentWorklet,
    labels: config.modelOpts.labels,
  };
}
