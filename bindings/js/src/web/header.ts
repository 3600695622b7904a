/**
 * What an image file says of itself before it is decoded: a file of a few kilobytes may ask for gigabytes of pixels, and browsers
 * decode what they are given.
 */

export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'BMP' | 'AVIF' | 'HEIF';

export interface ImageHeader {
  readonly format: ImageFormat;
  /** Size as stored; undefined if the head doesn't tell. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Whether the file ends before its image does. */
  readonly cut: boolean;
}

const text = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** Reads numbers; beyond the end they are 0. */
class Numbers {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  big(at: number, count: number): number {
    let number = 0;
    for (let i = 0; i < count; ++i) number = number * 256 + (this.#bytes[at + i] ?? 0);
    return number;
  }

  little(at: number, count: number): number {
    let number = 0;
    for (let i = count - 1; i >= 0; --i) number = number * 256 + (this.#bytes[at + i] ?? 0);
    return number;
  }
}

const known = (width: number, height: number): ImageHeader['size'] =>
  width > 0 && height > 0 ? { width, height } : undefined;

function png(bytes: Uint8Array, read: Numbers): ImageHeader {
  let cut = true;
  for (let at = 8; at + 12 <= bytes.length; at += read.big(at, 4) + 12) {
    if (text(bytes, at + 4, at + 8) === 'IEND') cut = false;
  }
  return { format: 'PNG', size: known(read.big(16, 4), read.big(20, 4)), cut };
}

/** Frames of all kinds but the tables C4 (Huffman), C8 (reserved) and CC (arithmetic coding). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function jpeg(bytes: Uint8Array, read: Numbers): ImageHeader {
  let size: ImageHeader['size'];
  let at = 2;
  while (at + 4 <= bytes.length) {
    const marker = bytes[at + 1] as number;
    if (bytes[at] !== 0xff) break;
    if (marker === 0xff) {
      // Filling.
      at += 1;
      continue;
    }
    if (isFrame(marker)) size ??= known(read.big(at + 7, 2), read.big(at + 5, 2));
    if (marker === 0xda) break;
    at += marker >= 0xd0 && marker <= 0xd8 ? 2 : 2 + Math.max(2, read.big(at + 2, 2));
  }
  // Behind the end of the image there may be anything; thumbnails, which have ends too, lie before the first scan.
  let end = bytes.length - 2;
  while (end > at && !(bytes[end] === 0xff && bytes[end + 1] === 0xd9)) --end;
  return { format: 'JPEG', size, cut: end <= at };
}

function webp(bytes: Uint8Array, read: Numbers): ImageHeader {
  const cut = read.little(4, 4) + 8 > bytes.length;
  const kind = text(bytes, 12, 16);
  let size: ImageHeader['size'];
  if (kind === 'VP8X') size = known(read.little(24, 3) + 1, read.little(27, 3) + 1);
  if (kind === 'VP8 ') size = known(read.little(26, 2) & 0x3fff, read.little(28, 2) & 0x3fff);
  if (kind === 'VP8L') {
    const bits = read.little(21, 4);
    size = known((bits % 2 ** 14) + 1, (Math.floor(bits / 2 ** 14) % 2 ** 14) + 1);
  }
  return { format: 'WebP', size, cut };
}

function bmp(read: Numbers): ImageHeader {
  const old = read.little(14, 4) === 12;
  const width = old ? read.little(18, 2) : read.little(18, 4);
  const height = old ? read.little(20, 2) : read.little(22, 4);
  // Rows from the top have a negative height.
  return { format: 'BMP', size: known(width, height >= 2 ** 31 ? 2 ** 32 - height : height), cut: false };
}

/** Boxes that hold others, one within the other, down to the sizes of a file's images; `meta` has a version before them. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 12, iprp: 8, ipco: 8 };

/** The largest image of an ISO media file: each has a box `ispe`. */
function largest(bytes: Uint8Array, read: Numbers, from: number, to: number): ImageHeader['size'] {
  let found: ImageHeader['size'];
  for (let at = from; at + 8 <= to;) {
    const long = read.big(at, 4) === 1;
    const length = long ? read.big(at + 8, 8) : read.big(at, 4);
    const end = length === 0 ? to : Math.min(to, at + length);
    const kind = text(bytes, at + 4, at + 8);
    const inner = CONTAINERS[kind];
    let size: ImageHeader['size'];
    if (inner !== undefined) size = largest(bytes, read, at + inner, end);
    if (kind === 'ispe') size = known(read.big(at + 12, 4), read.big(at + 16, 4));
    if (size !== undefined && size.width * size.height > (found ? found.width * found.height : 0)) found = size;
    if (end <= at + 7) break;
    at = end;
  }
  return found;
}

function media(bytes: Uint8Array, read: Numbers): ImageHeader | undefined {
  const end = Math.min(read.big(0, 4), bytes.length, 1024);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) if (at !== 12) brands.push(text(bytes, at, at + 4));
  const has = (...some: string[]): boolean => some.some((brand) => brands.includes(brand));
  const format = has('avif', 'avis') ? 'AVIF' : has('heic', 'heix', 'mif1', 'hevc') ? 'HEIF' : undefined;
  return format && { format, size: largest(bytes, read, 0, bytes.length), cut: false };
}

/** Of a file's bytes; undefined if it is of another kind. */
export function readHeader(bytes: Uint8Array): ImageHeader | undefined {
  const read = new Numbers(bytes);
  const start = text(bytes, 0, 12);
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return png(bytes, read);
  if (start.startsWith('\xff\xd8\xff')) return jpeg(bytes, read);
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return webp(bytes, read);
  if (/^GIF8[79]a/.test(start)) {
    return { format: 'GIF', size: known(read.little(6, 2), read.little(8, 2)), cut: bytes.length < 14 };
  }
  if (start.startsWith('BM') && bytes.length > 26) return bmp(read);
  return start.slice(4, 8) === 'ftyp' ? media(bytes, read) : undefined;
}
