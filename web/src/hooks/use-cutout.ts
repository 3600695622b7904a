import { useEffect, useMemo, useState } from 'react';

import type { Analysis } from '../engine.js';
import { packageBackdrop, type Backdrop } from '../lib/backdrops.js';
import type { Layer } from '../lib/overlay.js';
import { problemOf, type Problem } from '../lib/problems.js';

export interface Cutout {
  /** The newest that is there, also while another one is made. */
  readonly bitmap: ImageBitmap | undefined;
  readonly busy: boolean;
}

/** The classes that are both in the picture and shown. */
export function subjectOf(analysis: Analysis, layers: readonly Layer[]): number[] {
  return analysis.found.map(({ channel }) => channel).filter((channel) => layers[channel]?.visible === true);
}

/** The photo with only the shown classes in it, made anew as they or the backdrop change. */
export function useCutout(
  analysis: Analysis | undefined,
  layers: readonly Layer[],
  backdrop: Backdrop,
  report: (problem: Problem) => void,
): Cutout {
  const [made, setMade] = useState<{ bitmap: ImageBitmap | undefined; of: object } | undefined>(undefined);
  const chosen = analysis === undefined ? '' : subjectOf(analysis, layers).join();

  // One object for one picture: what is made is asked by it whether it is still wanted.
  const wanted = useMemo(
    () =>
      analysis === undefined
        ? undefined
        : { analysis, backdrop, subject: chosen === '' ? [] : chosen.split(',').map(Number) },
    [analysis, backdrop, chosen],
  );

  useEffect(() => {
    if (wanted === undefined) return;
    const controller = new AbortController();
    const { signal } = controller;
    const { segmentation, background } = wanted.analysis;
    // No subject at all would mean the package's own choice.
    const subject = wanted.subject.length > 0 ? wanted.subject : [background ?? 0];
    segmentation.toCutoutImageBitmap({ subject, background: packageBackdrop(wanted.backdrop), signal }).then(
      (bitmap) => {
        if (signal.aborted) bitmap.close();
        else setMade({ bitmap, of: wanted });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        setMade({ bitmap: undefined, of: wanted });
        report(problemOf(error));
      },
    );
    return () => {
      controller.abort();
    };
  }, [wanted, report]);

  useEffect(() => () => made?.bitmap?.close(), [made]);
  return { bitmap: made?.bitmap, busy: wanted !== undefined && made?.of !== wanted };
}
