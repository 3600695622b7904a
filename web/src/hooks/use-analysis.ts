import { useEffect, useState } from 'react';

import { analyse, type Analysis } from '../engine.js';
import type { Photo } from '../lib/photo.js';
import { problemOf, type Problem } from '../lib/problems.js';
import type { LoadedModel } from './use-model.js';

interface Outcome {
  readonly photo: Photo;
  readonly model: LoadedModel;
  readonly analysis: Analysis | undefined;
}

/** What a model finds in a photo; the newest result of the same photo until there is another. */
export function useAnalysis(
  photo: Photo | undefined,
  model: LoadedModel | undefined,
  report: (problem: Problem) => void,
): { analysis: Analysis | undefined; looking: boolean } {
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);

  useEffect(() => {
    if (photo === undefined || model === undefined) return;
    const { signal, abort } = abortable();
    analyse(model.segmenter, photo, model.choice.title, signal).then(
      (analysis) => {
        if (!signal.aborted) setOutcome({ photo, model, analysis });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        setOutcome({ photo, model, analysis: undefined });
        report(problemOf(error));
      },
    );
    return abort;
  }, [photo, model, report]);

  const analysis = outcome?.photo === photo ? outcome?.analysis : undefined;
  const settled = outcome?.photo === photo && outcome?.model === model;
  return { analysis, looking: photo !== undefined && model !== undefined && !settled };
}

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
  };
}
