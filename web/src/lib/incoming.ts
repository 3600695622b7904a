import { parseLabels } from './models.js';
import { Problem } from './problems.js';

/** What was dropped, pasted or chosen. */
export type Incoming =
  | { readonly kind: 'photo'; readonly file: File }
  | { readonly kind: 'model'; readonly file: File; readonly labels: readonly string[] | undefined }
  | { readonly kind: 'labels'; readonly labels: readonly string[] };

const PHOTO = /\.(jpe?g|png|webp|avif|gif|bmp|heic|heif|tiff?|svg)$/i;

/** A list of labels isn't longer than this; what is, is something else. */
const LABELS_BYTES = 1 << 20;

function isPhoto({ type, name }: File): boolean {
  return type.startsWith('image/') || PHOTO.test(name);
}

function isLabels({ type, name, size }: File): boolean {
  return size <= LABELS_BYTES && (type === 'text/plain' || type === 'application/json' || /\.(txt|json)$/i.test(name));
}

/** Tells files apart by what they are called; what they really are, whoever reads them finds out. */
export async function sortIncoming(files: readonly File[]): Promise<Incoming> {
  if (files.length === 0) throw new Problem('not-a-file', 'what came had no file in it');
  const model = files.find(({ name }) => /\.pte$/i.test(name));
  const list = files.find(isLabels);
  const labels = list === undefined ? undefined : parseLabels(await list.text());
  if (model !== undefined) return { kind: 'model', file: model, labels };
  const photo = files.find(isPhoto);
  if (photo !== undefined) return { kind: 'photo', file: photo };
  if (labels !== undefined) return { kind: 'labels', labels };
  throw new Problem('unknown-file', files.map(({ name }) => name).join(', '));
}
