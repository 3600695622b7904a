import { useCallback, useEffect, useRef, useState } from 'react';

import { loadModel, type Segmenter } from '../engine.js';
import type { ModelChoice } from '../lib/models.js';
import { isAbort, problemOf, type Problem } from '../lib/problems.js';

export interface LoadedModel {
  readonly choice: ModelChoice;
  readonly segmenter: Segmenter;
}

export interface ModelState {
  /** Stays until another one is there: a download that is cancelled or fails costs nothing. */
  readonly current: LoadedModel | undefined;
  readonly pending: { readonly choice: ModelChoice; readonly fraction: number } | undefined;
  /** What was cancelled or failed last, to be tried again. */
  readonly given: ModelChoice | undefined;
}

export interface Model extends ModelState {
  readonly choose: (choice: ModelChoice) => void;
  readonly cancel: () => void;
}

const NOTHING: ModelState = { current: undefined, pending: undefined, given: undefined };

/** One place for a model. `initial` is loaded as soon as it is `wanted`. */
export function useModel(initial: ModelChoice, wanted: boolean, report: (problem: Problem) => void): Model {
  const [state, setState] = useState(NOTHING);
  const loading = useRef<AbortController | undefined>(undefined);
  const held = useRef<Segmenter | undefined>(undefined);

  const cancel = useCallback(() => {
    loading.current?.abort();
    loading.current = undefined;
    setState((old) => ({ ...old, pending: undefined, given: old.pending?.choice }));
  }, []);

  const choose = useCallback(
    (choice: ModelChoice) => {
      loading.current?.abort();
      const mine = new AbortController();
      loading.current = mine;
      const { signal } = mine;
      setState((old) => ({ ...old, pending: { choice, fraction: 0 }, given: undefined }));
      const onProgress = (fraction: number): void => {
        if (!signal.aborted) setState((old) => ({ ...old, pending: { choice, fraction } }));
      };
      loadModel(choice, { signal, onProgress }).then(
        (segmenter) => {
          if (signal.aborted) {
            segmenter.close();
            return;
          }
          held.current?.close();
          held.current = segmenter;
          loading.current = undefined;
          setState({ current: { choice, segmenter }, pending: undefined, given: undefined });
        },
        (error: unknown) => {
          if (signal.aborted) return;
          loading.current = undefined;
          setState((old) => ({ ...old, pending: undefined, given: choice }));
          if (!isAbort(error)) report(problemOf(error));
        },
      );
    },
    [report],
  );

  const asked = useRef(false);
  useEffect(() => {
    if (!wanted || asked.current) return;
    asked.current = true;
    choose(initial);
  }, [wanted, initial, choose]);

  return { ...state, choose, cancel };
}
