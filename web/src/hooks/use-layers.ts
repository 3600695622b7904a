import { useCallback, useMemo, useState } from 'react';

import type { Layer } from '../lib/overlay.js';
import { backgroundOf } from '../lib/names.js';
import { classColor } from '../lib/palette.js';

export const DEFAULT_OPACITY = 0.55;

export interface Layers {
  /** One a class of the model, by channel. */
  readonly layers: readonly Layer[];
  readonly change: (channel: number, change: Partial<Layer>) => void;
}

type Changes = ReadonlyMap<string, Partial<Layer>>;

/** How classes are shown. What was chosen for a class holds for the next photo, too: it goes by the class's label. */
export function useLayers(labels: readonly string[]): Layers {
  const [changes, setChanges] = useState<Changes>(new Map());

  const layers = useMemo(() => {
    const background = backgroundOf(labels);
    return labels.map((label, channel) => ({
      visible: channel !== background,
      opacity: DEFAULT_OPACITY,
      color: classColor(channel, background),
      ...changes.get(key(label, channel)),
    }));
  }, [labels, changes]);

  const change = useCallback(
    (channel: number, what: Partial<Layer>) => {
      const name = key(labels[channel] ?? '', channel);
      setChanges((old) => new Map(old).set(name, { ...old.get(name), ...what }));
    },
    [labels],
  );

  return { layers, change };
}

function key(label: string, channel: number): string {
  return `${String(channel)} ${label}`;
}
