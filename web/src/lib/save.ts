import type { Analysis } from '../engine.js';
import { analyseWhole } from '../engine.js';
import { packageBackdrop, type Backdrop } from './backdrops.js';
import { toCoco, toGeoJson, toJson, type ExportPicture } from './exports.js';
import { paintOverlay, type Layer } from './overlay.js';
import { Problem } from './problems.js';

export type SaveKind = 'overlay' | 'cutout' | 'mask' | 'json' | 'geojson' | 'coco';

export interface SaveRequest {
  readonly analysis: Analysis;
  readonly layers: readonly Layer[];
  readonly backdrop: Backdrop;
  /** Channels of the classes that are in the picture and shown. */
  readonly subject: readonly number[];
}

interface SavedFile {
  readonly name: string;
  readonly blob: Blob;
}

function pngBlob(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Problem('memory', 'the browser could not write the picture'));
      else resolve(blob);
    }, 'image/png');
  });
}

/** What is on the screen, in the visitor's colours. */
async function overlayBlob({ analysis, layers }: SaveRequest): Promise<Blob> {
  const { photo, map } = analysis;
  const canvas = document.createElement('canvas');
  canvas.width = photo.shown.width;
  canvas.height = photo.shown.height;
  const context = canvas.getContext('2d');
  const colors = document.createElement('canvas');
  paintOverlay(colors, map, { layers });
  context?.drawImage(photo.shown, 0, 0);
  context?.drawImage(colors, 0, 0, canvas.width, canvas.height);
  return pngBlob(canvas);
}

async function pictureOf({ analysis, subject }: SaveRequest): Promise<ExportPicture> {
  const segmentation = await analyseWhole(analysis);
  const classes = subject.map((channel) => ({ channel, label: segmentation.labels[channel] ?? String(channel) }));
  return { name: analysis.photo.fileName, classes, segmentation, modelTitle: analysis.modelTitle };
}

function text(value: object, type: string): Blob {
  return new Blob([JSON.stringify(value)], { type });
}

function png(bytes: Uint8Array): Blob {
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/png' });
}

async function make(kind: SaveKind, request: SaveRequest): Promise<SavedFile> {
  const { name } = request.analysis.photo;
  switch (kind) {
    case 'overlay':
      return { name: `${name}.overlay.png`, blob: await overlayBlob(request) };
    case 'mask':
      return { name: `${name}.mask.png`, blob: png(await (await analyseWhole(request.analysis)).toMaskPng()) };
    case 'cutout': {
      const whole = await analyseWhole(request.analysis);
      const background = packageBackdrop(request.backdrop);
      return {
        name: `${name}.cutout.png`,
        blob: png(await whole.toCutoutPng({ subject: request.subject, background })),
      };
    }
    case 'json':
      return { name: `${name}.json`, blob: text(await toJson(await pictureOf(request)), 'application/json') };
    case 'geojson':
      return { name: `${name}.geojson`, blob: text(await toGeoJson(await pictureOf(request)), 'application/geo+json') };
    case 'coco':
      return { name: `${name}.coco.json`, blob: text(await toCoco(await pictureOf(request)), 'application/json') };
  }
}

/** Makes a file and gives it to the browser's downloads. Results are of the photo's own size, but for the overlay. */
export async function save(kind: SaveKind, request: SaveRequest): Promise<void> {
  const { name, blob } = await make(kind, request);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own hold on the blob once it has begun, which the next task is too early for in some browsers.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 60_000);
}
