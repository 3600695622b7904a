import { useMemo, useState, type ReactNode } from 'react';

import type { Analysis } from '../engine.js';
import { subjectOf } from '../hooks/use-cutout.js';
import { useLayers } from '../hooks/use-layers.js';
import type { Backdrop } from '../lib/backdrops.js';
import { duration, progress, share } from '../lib/format.js';
import { classTitle } from '../lib/names.js';
import type { Photo } from '../lib/photo.js';
import type { Problem } from '../lib/problems.js';
import type { Model } from '../hooks/use-model.js';
import { BackdropPicker } from './backdrop-picker.js';
import { Choices } from './choices.js';
import { Downloads } from './downloads.js';
import { FileButton } from './file-button.js';
import { PhotoIcon } from './icons.js';
import { Legend } from './legend.js';
import { Stage, type View } from './stage.js';

interface PhotoScreenProps {
  readonly photo: Photo;
  readonly analysis: Analysis | undefined;
  readonly looking: boolean;
  readonly model: Model;
  readonly onFiles: (files: File[]) => void;
  readonly report: (problem: Problem) => void;
}

const NONE: readonly string[] = [];
const VIEWS = [
  { value: 'overlay', title: 'Overlay' },
  { value: 'cutout', title: 'Cut-out' },
  { value: 'mask', title: 'Mask' },
] as const;

export function PhotoScreen({ photo, analysis, looking, model, onFiles, report }: PhotoScreenProps): ReactNode {
  const layers = useLayers(analysis?.segmentation.labels ?? NONE);
  const [view, setView] = useState<View>('overlay');
  const [backdrop, setBackdrop] = useState<Backdrop>({ kind: 'none' });
  const [inLegend, setInLegend] = useState<number | undefined>(undefined);
  const [inPicture, setInPicture] = useState<number | undefined>(undefined);

  return (
    <div className="workspace">
      <Stage
        photo={photo}
        analysis={analysis}
        layers={layers.layers}
        view={view}
        backdrop={backdrop}
        busy={busyWords(analysis, looking, model)}
        emphasis={inLegend}
        onProbe={setInPicture}
        report={report}
      />
      <aside className="panel" aria-label="What was found">
        <div className="panel-top">
          <h1>{headline(analysis)}</h1>
          <p className="facts">{facts(photo, analysis)}</p>
        </div>
        {analysis === undefined ? null : (
          <>
            <Choices label="View" options={VIEWS} value={view} onChange={setView} />
            <Legend
              analysis={analysis}
              layers={layers}
              opacities={view === 'overlay'}
              pointed={inPicture}
              onPoint={setInLegend}
            />
            {view === 'cutout' ? (
              <section>
                <h2>Background</h2>
                <BackdropPicker none="None" value={backdrop} onChange={setBackdrop} report={report} />
              </section>
            ) : null}
            <Save analysis={analysis} layers={layers.layers} backdrop={backdrop} looking={looking} report={report} />
          </>
        )}
        <FileButton className="secondary wide" accept="image/*" label="Photo" onFiles={onFiles}>
          <PhotoIcon />
          Another photo
        </FileButton>
        <p className="visually-hidden" role="status">
          {analysis === undefined || looking ? '' : spoken(analysis)}
        </p>
      </aside>
    </div>
  );
}

type SaveProps = Omit<Parameters<typeof Downloads>[0]['request'], 'subject'> & {
  readonly looking: boolean;
  readonly report: (problem: Problem) => void;
};

function Save({ analysis, layers, backdrop, looking, report }: SaveProps): ReactNode {
  const request = useMemo(
    () => ({ analysis, layers, backdrop, subject: subjectOf(analysis, layers) }),
    [analysis, layers, backdrop],
  );
  const nothing = request.subject.length === 0;
  return (
    <section>
      <h2>Save</h2>
      <Downloads request={request} disabled={looking || nothing} report={report} />
      {nothing ? <p className="hint">Switch on a class above: what is shown is what is saved.</p> : null}
    </section>
  );
}

function busyWords(analysis: Analysis | undefined, looking: boolean, model: Model): string | undefined {
  if (looking) return 'Looking…';
  if (analysis !== undefined || model.current !== undefined) return undefined;
  return model.pending === undefined ? undefined : `Fetching the model, ${progress(model.pending.fraction)}`;
}

function headline(analysis: Analysis | undefined): string {
  if (analysis === undefined) return 'One moment';
  const names = foregroundOf(analysis).map(({ channel }) => nameOf(analysis, channel));
  if (names.length === 0) return 'Nothing that this model knows';
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${String(names.length - 2)} more` : listed(names);
}

function listed(names: readonly string[]): string {
  const [first = '', ...rest] = names;
  const more = rest.map((name) => name.charAt(0).toLowerCase() + name.slice(1));
  const last = more.pop();
  return last === undefined ? first : `${[first, ...more].join(', ')} and ${last}`;
}

/** Specks say more of the network than of the picture. */
function foregroundOf({ found, background }: Analysis): Analysis['found'] {
  return found.filter(({ channel, share: part }) => channel !== background && part >= 0.002);
}

function nameOf({ segmentation }: Analysis, channel: number): string {
  return classTitle(segmentation.labels[channel] ?? '');
}

function facts(photo: Photo, analysis: Analysis | undefined): string {
  const size = `${String(photo.width)} × ${String(photo.height)}`;
  if (analysis === undefined) return `${photo.name}, ${size}`;
  const { networkMs } = analysis.segmentation.info.timings;
  return `${photo.name}, ${size}. The network took ${duration(networkMs)}.`;
}

function spoken(analysis: Analysis): string {
  const found = foregroundOf(analysis).map(({ channel, share: part }) => `${nameOf(analysis, channel)} ${share(part)}`);
  return found.length === 0 ? 'Nothing found.' : `Found: ${found.join(', ')}.`;
}
