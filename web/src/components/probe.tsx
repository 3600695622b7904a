import { useState, type CSSProperties, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';

import { probe, type Analysis, type Hypothesis } from '../engine.js';
import { probability } from '../lib/format.js';
import { classTitle } from '../lib/names.js';
import type { Layer } from '../lib/overlay.js';

interface ProbeProps {
  readonly analysis: Analysis;
  readonly layers: readonly Layer[];
  readonly onProbe: (channel: number | undefined) => void;
}

/** A place in the picture, 0 … 1 from the left and from the top. */
interface Place {
  readonly x: number;
  readonly y: number;
}

const STEP = 0.02;
const LEAP = 0.1;
const MOVES: Readonly<Record<string, Place>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

function within(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Tells what is under the pointer, the finger, or the cross that arrow keys move. */
export function Probe({ analysis, layers, onProbe }: ProbeProps): ReactNode {
  const [place, setPlace] = useState<Place | undefined>(undefined);
  const [keys, setKeys] = useState(false);

  const show = (next: Place | undefined, byKeys: boolean): void => {
    setPlace(next);
    setKeys(byKeys);
    onProbe(next === undefined ? undefined : at(analysis, next)[0]?.channel);
  };
  const byPointer = (event: PointerEvent): void => {
    const box = event.currentTarget.getBoundingClientRect();
    show(
      { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) },
      false,
    );
  };
  const byKey = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move !== undefined) {
      event.preventDefault();
      const { x, y } = place ?? { x: 0.5, y: 0.5 };
      const step = event.shiftKey ? LEAP : STEP;
      show({ x: within(x + move.x * step), y: within(y + move.y * step) }, true);
    } else if (event.key === 'Escape') {
      show(undefined, false);
    }
  };

  const found = place === undefined ? [] : at(analysis, place);
  return (
    <>
      <div
        className="probe"
        role="application"
        aria-label="What is where. Arrow keys move a cross over the picture."
        tabIndex={0}
        onPointerMove={byPointer}
        onPointerDown={byPointer}
        onPointerLeave={(event) => {
          if (event.pointerType === 'mouse') show(undefined, false);
        }}
        onFocus={(event) => {
          if (event.currentTarget.matches(':focus-visible')) show({ x: 0.5, y: 0.5 }, true);
        }}
        onBlur={() => {
          show(undefined, false);
        }}
        onKeyDown={byKey}
      >
        {place === undefined ? null : (
          <Tip place={place} found={found} analysis={analysis} layers={layers} cross={keys} />
        )}
      </div>
      <p className="visually-hidden" role="status">
        {keys ? spoken(found, analysis) : ''}
      </p>
    </>
  );
}

function spoken([first]: readonly Hypothesis[], { segmentation }: Analysis): string {
  if (first === undefined) return '';
  const title = classTitle(segmentation.labels[first.channel] ?? '');
  return first.probability === undefined ? title : `${title}, ${probability(first.probability)}`;
}

function at({ map, ...analysis }: Analysis, { x, y }: Place): Hypothesis[] {
  const column = Math.min(map.width - 1, Math.floor(x * map.width));
  const row = Math.min(map.height - 1, Math.floor(y * map.height));
  return probe({ map, ...analysis }, column, row);
}

interface TipProps {
  readonly place: Place;
  readonly found: readonly Hypothesis[];
  readonly analysis: Analysis;
  readonly layers: readonly Layer[];
  readonly cross: boolean;
}

function Tip({ place, found, analysis, layers, cross }: TipProps): ReactNode {
  const labels = analysis.segmentation.labels;
  const style = { '--x': `${String(place.x * 100)}%`, '--y': `${String(place.y * 100)}%` } as CSSProperties;
  const side = `${place.x > 0.6 ? 'left' : 'right'} ${place.y > 0.7 ? 'above' : 'below'}`;
  const [first, ...others] = found.filter((item, i) => i === 0 || (item.probability ?? 0) >= 0.01);
  if (first === undefined) return null;
  return (
    <div className={`tip ${side}`} style={style}>
      {cross ? <span className="cross" aria-hidden="true" /> : null}
      <div className="tip-card" aria-hidden="true">
        <span className="dot" style={{ background: layers[first.channel]?.color }} aria-hidden="true" />
        <strong>{classTitle(labels[first.channel] ?? '')}</strong>
        <Certainty value={first.probability} />
        {others.map(({ channel, probability: value }) => (
          <span className="tip-other" key={channel}>
            {classTitle(labels[channel] ?? '')} <Certainty value={value} />
          </span>
        ))}
      </div>
    </div>
  );
}

function Certainty({ value }: { value: number | undefined }): ReactNode {
  return value === undefined ? null : <span className="number">{probability(value)}</span>;
}
