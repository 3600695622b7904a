/**
 * The hook of react-native-executorch for React on Node and Electron.
 *
 * @packageDocumentation
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import { messageOf, publicError, SegmentationError } from './errors.js';
import { numbersOf } from './image-segmentation-module.js';
import type { DeeplabLabel } from './labels.js';
import { toMaps, type SegmentationMaps } from './legacy-result.js';
import { resourceKey, type ResourceSource } from './resource.js';
import { Segmenter } from './segmenter.js';

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

/** One load of a model and what came of it. */
class Session {
  readonly #abort = new AbortController();
  #segmenter: Segmenter | undefined;

  get segmenter(): Segmenter | undefined {
    return this.#segmenter;
  }

  get ended(): boolean {
    return this.#abort.signal.aborted;
  }

  async load(source: ResourceSource, onProgress: (fraction: number) => void): Promise<void> {
    const segmenter = await Segmenter.load(source, { onProgress, signal: this.#abort.signal });
    if (this.ended) segmenter.close();
    else this.#segmenter = segmenter;
  }

  end(): void {
    this.#abort.abort();
    this.#segmenter?.close();
    this.#segmenter = undefined;
  }
}

/** Loads a model for a component and frees it when the component goes. */
export function useImageSegmentation({
  modelSource,
  preventLoad = false,
}: UseImageSegmentationOptions): ImageSegmentation {
  const [error, setError] = useState<string | null>(null);
  const [isReady, setIsReady] = useState(false);
  const [isGenerating, setIsGenerating] = useState(false);
  const [downloadProgress, setDownloadProgress] = useState(0);
  // What `forward` asks must not wait for the next render: two calls in one tick are two calls.
  const session = useRef<Session | null>(null);
  const generating = useRef(false);

  // A literal in the component's body is a new object in every render, but not a new model.
  const key = resourceKey(modelSource);
  const source = useRef(modelSource);
  useEffect(() => {
    source.current = modelSource;
  });

  useEffect(
    () => () => {
      session.current?.end();
      session.current = null;
      setIsReady(false);
      setError(null);
      setDownloadProgress(0);
    },
    [key],
  );

  useEffect(() => {
    if (preventLoad || session.current !== null) return;
    const started = new Session();
    session.current = started;
    const report = (fraction: number): void => {
      if (!started.ended) setDownloadProgress(fraction);
    };
    started.load(source.current, report).then(
      () => {
        if (!started.ended) setIsReady(true);
      },
      (reason: unknown) => {
        if (!started.ended) setError(messageOf(reason));
      },
    );
  }, [key, preventLoad]);

  const forward = useCallback(
    async <const Label extends DeeplabLabel = DeeplabLabel.ARGMAX>(
      input: string,
      classesOfInterest: readonly Label[] = [],
      resize = false,
    ): Promise<SegmentationMaps<Label>> => {
      const segmenter = session.current?.segmenter;
      if (segmenter === undefined) throw new SegmentationError('MODEL_NOT_LOADED', 'module not loaded');
      if (generating.current) throw new SegmentationError('MODEL_GENERATING', 'model generating');
      generating.current = true;
      setIsGenerating(true);
      try {
        const classes = numbersOf(classesOfInterest);
        const result = await segmenter.segment(input, { classes, resize, keepImage: false });
        return (await toMaps(result)) as SegmentationMaps<Label>;
      } catch (reason) {
        throw publicError(reason);
      } finally {
        generating.current = false;
        setIsGenerating(false);
      }
    },
    [],
  );

  return { forward, error, isReady, isGenerating, downloadProgress };
}
