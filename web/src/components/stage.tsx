import { useEffect, useRef, useState, type CSSProperties, type ReactNode } from 'react';

import type { Analysis } from '../engine.js';
import { useCutout } from '../hooks/use-cutout.js';
import { useReveal } from '../hooks/use-reveal.js';
import type { Backdrop } from '../lib/backdrops.js';
import { paintOverlay, type Layer } from '../lib/overlay.js';
import type { Photo } from '../lib/photo.js';
import type { Problem } from '../lib/problems.js';
import { CompareSlider } from './compare-slider.js';
import { Probe } from './probe.js';

export type View = 'overlay' | 'mask' | 'cutout';

interface StageProps {
  readonly photo: Photo;
  readonly analysis: Analysis | undefined;
  readonly layers: readonly Layer[];
  readonly view: View;
  readonly backdrop: Backdrop;
  readonly busy: string | undefined;
  /** The class that is pointed at in the legend. */
  readonly emphasis: number | undefined;
  readonly onProbe: (channel: number | undefined) => void;
  readonly report: (problem: Problem) => void;
}

/** The photo, and over it what was found. */
export function Stage(props: StageProps): ReactNode {
  const { photo, analysis, layers, view, backdrop, busy, emphasis, onProbe, report } = props;
  const [split, setSplit] = useReveal(analysis);
  const cutout = useCutout(view === 'cutout' ? analysis : undefined, layers, backdrop, report);
  const stale = view === 'cutout' && cutout.busy;
  const style = { '--split': `${String(split)}%`, '--ratio': String(photo.width / photo.height) } as CSSProperties;

  return (
    <div className="stage">
      <div className="frame" style={style} aria-busy={busy !== undefined}>
        <PhotoCanvas photo={photo} />
        {analysis === undefined ? null : (
          <>
            <div className={`after after-${view}`}>
              {view === 'cutout' ? (
                <BitmapCanvas bitmap={cutout.bitmap} />
              ) : (
                <OverlayCanvas
                  analysis={analysis}
                  layers={layers}
                  emphasis={view === 'overlay' ? emphasis : undefined}
                  flat={view === 'mask'}
                />
              )}
            </div>
            <Probe analysis={analysis} layers={layers} onProbe={onProbe} />
            <CompareSlider label="Before and after" value={split} onChange={setSplit} />
          </>
        )}
        {busy === undefined && !stale ? null : (
          <p className="busy">
            <span className="spinner" aria-hidden="true" />
            {busy ?? 'Cutting out…'}
          </p>
        )}
      </div>
    </div>
  );
}

function PhotoCanvas({ photo }: { photo: Photo }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    element.width = photo.shown.width;
    element.height = photo.shown.height;
    element.getContext('2d')?.drawImage(photo.shown, 0, 0);
  }, [photo]);
  return <canvas ref={canvas} className="photo" role="img" aria-label={`The photo ${photo.name}`} />;
}

interface OverlayCanvasProps {
  readonly analysis: Analysis;
  readonly layers: readonly Layer[];
  readonly emphasis: number | undefined;
  readonly flat: boolean;
}

function OverlayCanvas({ analysis, layers, emphasis, flat }: OverlayCanvasProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current === null) return;
    const shown = emphasis !== undefined && layers[emphasis]?.visible === true ? emphasis : undefined;
    paintOverlay(canvas.current, analysis.map, { layers, emphasis: shown, flat });
  }, [analysis, layers, emphasis, flat]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

function BitmapCanvas({ bitmap }: { bitmap: ImageBitmap | undefined }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    const element = canvas.current;
    if (element === null || bitmap === undefined) return;
    element.width = bitmap.width;
    element.height = bitmap.height;
    element.getContext('2d')?.drawImage(bitmap, 0, 0);
    setDrawn(true);
  }, [bitmap]);
  return <canvas ref={canvas} aria-hidden="true" className={drawn ? 'drawn' : ''} />;
}
