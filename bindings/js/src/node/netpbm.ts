import { SegmentationError } from '../errors.js';
import type { EngineImage } from '../wasm/parts.js';
import { checkSize } from './image-limits.js';

/** One of these follows "P" and a digit. */
const BLANKS = [0x20, 0x09, 0x0d, 0x0a, 0x23];

export function isNetpbm(bytes: Uint8Array): boolean {
  const [p, kind, blank] = bytes;
  return p === 0x50 && kind !== undefined && kind >= 0x31 && kind <= 0x36 && BLANKS.includes(blank ?? 0);
}

/** Reads the binary images of this kind, grey (P5) and RGB (P6), of 8 bits; sharp doesn't. */
export function readNetpbm(bytes: Uint8Array, name: string): EngineImage {
  const kind = String.fromCharCode(bytes[0] as number, bytes[1] as number);
  if (kind !== 'P5' && kind !== 'P6') {
    throw new SegmentationError(
      'UNSUPPORTED_IMAGE',
      `'${name}' is a PPM image of the kind ${kind}; give P5, P6, or a PNG`,
    );
  }
  // Three numbers, blanks and comments between them, and one blank behind.
  const head = String.fromCharCode(...bytes.subarray(0, 1024));
  const blank = String.raw`(?:\s|#[^\n]*\n)+`;
  const match = new RegExp(String.raw`^P[56]${blank}(\d{1,9})${blank}(\d{1,9})${blank}(\d{1,5})(?:#[^\n]*\n|\s)`).exec(
    head,
  );
  const [width, height, most] = (match?.slice(1) ?? []).map(Number);
  if (
    match === null ||
    width === undefined ||
    height === undefined ||
    most === undefined ||
    width * height * most === 0
  ) {
    throw new SegmentationError(
      'INVALID_IMAGE',
      `'${name}' is a broken PPM image: its head is wrong; get an intact copy`,
    );
  }
  checkSize(width, height, name);
  if (most > 255) {
    throw new SegmentationError(
      'UNSUPPORTED_IMAGE',
      `'${name}' is a PPM image of 16 bits; give one of 8 bits, or a PNG`,
    );
  }
  const channels = kind === 'P5' ? 1 : 3;
  const size = width * height * channels;
  const from = match[0].length;
  if (bytes.length < from + size) {
    const sizes = `${String(bytes.length - from)} of ${String(size)} bytes`;
    throw new SegmentationError('INVALID_IMAGE', `'${name}' is a truncated PPM image: ${sizes}; get an intact copy`);
  }
  const data = bytes.slice(from, from + size);
  if (most !== 255)
    for (let i = 0; i < size; ++i) data[i] = Math.round((Math.min(data[i] as number, most) * 255) / most);
  return { data, width, height, channels };
}
