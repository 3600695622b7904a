import { useState, type ReactNode } from 'react';

import { problemOf, type Problem } from '../lib/problems.js';
import { save, type SaveKind, type SaveRequest } from '../lib/save.js';
import { DownloadIcon } from './icons.js';

interface DownloadsProps {
  readonly request: SaveRequest;
  readonly disabled: boolean;
  readonly report: (problem: Problem) => void;
}

const KINDS: readonly { kind: SaveKind; title: string; about: string }[] = [
  { kind: 'cutout', title: 'Cut-out', about: 'PNG, with the background chosen above' },
  { kind: 'overlay', title: 'Overlay', about: 'PNG, in your colours' },
  { kind: 'mask', title: 'Mask', about: 'PNG whose pixel values are class numbers' },
  { kind: 'json', title: 'Numbers', about: 'JSON: areas, boxes, run lengths' },
  { kind: 'geojson', title: 'Polygons', about: 'GeoJSON in pixels, with holes' },
  { kind: 'coco', title: 'COCO', about: 'a data set of one image' },
];

export function Downloads({ request, disabled, report }: DownloadsProps): ReactNode {
  const [busy, setBusy] = useState<SaveKind | undefined>(undefined);
  const start = (kind: SaveKind): void => {
    setBusy(kind);
    save(kind, request)
      .catch((error: unknown) => {
        report(problemOf(error));
      })
      .finally(() => {
        setBusy(undefined);
      });
  };
  return (
    <ul className="downloads">
      {KINDS.map(({ kind, title, about }) => (
        <li key={kind}>
          <button
            type="button"
            disabled={disabled || busy !== undefined}
            aria-label={`Save ${title}: ${about}`}
            title={about}
            onClick={() => {
              start(kind);
            }}
          >
            {busy === kind ? <span className="spinner" aria-hidden="true" /> : <DownloadIcon />}
            {title}
          </button>
        </li>
      ))}
    </ul>
  );
}
