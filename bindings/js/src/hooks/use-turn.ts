import { useCallback, useRef, useState } from 'react';

import { publicError, SegmentationError } from '../errors.js';

export interface Turn {
  readonly isGenerating: boolean;
  /** Runs one call at a time: rejects with "module not loaded" or "model generating" where react-native-executorch does. */
  readonly run: <M, R>(module: M | undefined, call: (module: M) => Promise<R>) => Promise<R>;
}

/** One call at a time, as react-native-executorch's hooks allow. */
export function useTurn(): Turn {
  const [isGenerating, setIsGenerating] = useState(false);
  // What a call asks must not wait for the next render: two calls in one tick are two calls.
  const generating = useRef(false);
  const run = useCallback(async <M, R>(module: M | undefined, call: (module: M) => Promise<R>): Promise<R> => {
    if (module === undefined) throw new SegmentationError('MODEL_NOT_LOADED', 'module not loaded');
    if (generating.current) throw new SegmentationError('MODEL_GENERATING', 'model generating');
    generating.current = true;
    setIsGenerating(true);
    try {
      return await call(module);
    } catch (reason) {
      throw publicError(reason);
    } finally {
      generating.current = false;
      setIsGenerating(false);
    }
  }, []);
  return { isGenerating, run };
}
