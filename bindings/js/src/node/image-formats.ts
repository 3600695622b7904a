/** What an image file is, by its first bytes; decoders that sharp has besides are not let near a user's files. */
import { SegmentationError } from '../errors.js';

/** Formats that sharp decodes, as messages call them. */
export const SHARP_FORMATS = ['JPEG', 'PNG', 'WebP', 'GIF', 'TIFF', 'AVIF'] as const;
export type SharpFormat = (typeof SHARP_FORMATS)[number];

const STARTS: readonly [format: SharpFormat, start: string][] = [
  ['JPEG', '\xff\xd8\xff'],
  ['PNG', '\x89PNG\r\n\x1a\n'],
  ['GIF', 'GIF87a'],
  ['GIF', 'GIF89a'],
  ['TIFF', 'II*\0'],
  ['TIFF', 'MM\0*'],
  ['TIFF', 'II+\0'],
  ['TIFF', 'MM\0+'],
];

/** The brands of an ISO media file: its own and, behind a version number, those that it is compatible with. */
function brandsOf(head: string): string[] {
  const end = [0, 1, 2, 3].reduce((size, i) => size * 256 + head.charCodeAt(i), 0);
  const list = head.slice(8, Math.min(end, head.length));
  return (list.match(/[^]{4}/g) ?? []).filter((_, i) => i !== 1);
}

export function formatOf(bytes: Uint8Array): SharpFormat | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 1024));
  const found = STARTS.find(([, start]) => head.startsWith(start));
  if (found !== undefined) return found[0];
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'WebP';
  const avif = head.slice(4, 8) === 'ftyp' && brandsOf(head).some((brand) => brand === 'avif' || brand === 'avis');
  return avif ? 'AVIF' : undefined;
}

/** The error for a file of another kind. `readable`: formats that may be given instead. */
export function unsupportedImage(name: string, what: string, readable: readonly string[]): SegmentationError {
  const list =
    readable.length > 1 ? `${readable.slice(0, -1).join(', ')} or ${readable.at(-1) ?? ''}` : readable.join();
  return new SegmentationError('UNSUPPORTED_IMAGE', `'${name}' is ${what}; give ${list}`);
}
