import { SegmentationError } from '../errors.js';
import type { Picture } from './parts.js';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** As many bytes of rows as are filtered at a time: what the compressor keeps up with, and little beside a picture. */
const BATCH_BYTES = 256 * 1024;

/** PNG's filters by number; the first leaves rows as they are. */
const FILTERS = [0, 1, 2, 3, 4] as const;
type Filter = (typeof FILTERS)[number];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The colours of PASCAL VOC: three bits of each channel from the class's number, highest first (its devkit's VOClabelcolormap). */
export const VOC_PALETTE: Readonly<Uint8Array> = (() => {
  const palette = new Uint8Array(256 * 3);
  for (let label = 0; label < 256; ++label) {
    for (let bit = 0, rest = label; rest > 0; ++bit, rest >>= 3) {
      for (let channel = 0; channel < 3; ++channel) {
        const at = label * 3 + channel;
        palette[at] = (palette[at] as number) | (((rest >> channel) & 1) << (7 - bit));
      }
    }
  }
  return palette;
})();

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; ++i) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

function header(width: number, height: number, colorType: number): Uint8Array {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data[8] = 8;
  data[9] = colorType;
  return data;
}

/** The neighbour (left, above, above left) that left + above − above left comes closest to. */
function paeth(a: number, b: number, c: number): number {
  const toA = Math.abs(b - c);
  const toB = Math.abs(a - c);
  const toC = Math.abs(a + b - 2 * c);
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** Rows of a picture, filtered. */
class Rows {
  readonly #data: Uint8Array;
  readonly #bytes: number;
  readonly #pixel: number;
  readonly #nothing: Uint8Array;

  constructor({ data, width, channels }: Picture) {
    this.#data = data;
    this.#bytes = width * channels;
    this.#pixel = channels;
    this.#nothing = new Uint8Array(this.#bytes);
  }

  #row(y: number): Uint8Array {
    return y < 0 ? this.#nothing : this.#data.subarray(y * this.#bytes, (y + 1) * this.#bytes);
  }

  /**
   * The filter whose differences are smallest in sum, as the specification recommends, told from a sample of the row: some
   * hundred bytes tell it nearly as well as all.
   */
  choose(y: number): Filter {
    const row = this.#row(y);
    const above = this.#row(y - 1);
    const pixel = this.#pixel;
    // Steps are odd, so that every channel is met.
    const step = Math.max(1, Math.floor(this.#bytes / 512)) | 1;
    const sums = [0, 0, 0, 0, 0];
    const add = (filter: Filter, difference: number): void => {
      const byte = difference & 255;
      sums[filter] = (sums[filter] as number) + (byte < 128 ? byte : 256 - byte);
    };
    for (let i = pixel; i < this.#bytes; i += step) {
      const value = row[i] as number;
      const left = row[i - pixel] as number;
      const up = above[i] as number;
      add(0, value);
      add(1, value - left);
      add(2, value - up);
      add(3, value - ((left + up) >> 1));
      add(4, value - paeth(left, up, above[i - pixel] as number));
    }
    return FILTERS.reduce((best, filter) => ((sums[filter] as number) < (sums[best] as number) ? filter : best), 0);
  }

  /** Writes a row with its filter's number before it. */
  filter(y: number, filter: Filter, to: Uint8Array, at: number): void {
    const row = this.#row(y);
    const above = this.#row(y - 1);
    const pixel = this.#pixel;
    to[at] = filter;
    const out = to.subarray(at + 1, at + 1 + this.#bytes);
    if (filter === 0) {
      out.set(row);
      return;
    }
    for (let i = 0; i < this.#bytes; ++i) {
      const value = row[i] as number;
      const left = i < pixel ? 0 : (row[i - pixel] as number);
      const up = above[i] as number;
      if (filter === 1) out[i] = value - left;
      else if (filter === 2) out[i] = value - up;
      else if (filter === 3) out[i] = value - ((left + up) >> 1);
      else out[i] = value - paeth(left, up, i < pixel ? 0 : (above[i - pixel] as number));
    }
  }
}

async function collect(readable: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const reader = readable.getReader();
  const parts: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts;
    parts.push(value);
  }
}

/** The filtered rows, compressed by what the platform has. */
async function compress(picture: Picture, filtered: boolean): Promise<Uint8Array[]> {
  const { width, height, channels } = picture;
  const rows = new Rows(picture);
  const rowBytes = width * channels + 1;
  const rowsAtATime = Math.max(1, Math.floor(BATCH_BYTES / rowBytes));
  const stream = new CompressionStream('deflate');
  const collected = collect(stream.readable);
  const writer = stream.writable.getWriter();
  const write = async (): Promise<void> => {
    for (let first = 0; first < height; first += rowsAtATime) {
      const count = Math.min(rowsAtATime, height - first);
      const batch = new Uint8Array(count * rowBytes);
      for (let i = 0; i < count; ++i) {
        rows.filter(first + i, filtered ? rows.choose(first + i) : 0, batch, i * rowBytes);
      }
      await writer.write(batch);
    }
    await writer.close();
  };
  const [parts] = await Promise.all([collected, write()]);
  return parts;
}

/** Joins arrays of bytes. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function check({ width, height, channels, data }: Picture): void {
  const most = 2 ** 31 - 1;
  const sound = (side: number): boolean => Number.isInteger(side) && side >= 1 && side <= most;
  if (sound(width) && sound(height) && data.length === width * height * channels) return;
  throw new SegmentationError(
    'INTERNAL',
    `${String(data.length)} bytes are not the pixels of ${String(width)} × ${String(height)} with ${String(channels)} channels`,
  );
}

/**
 * A picture as PNG: grey, RGB or RGBA, of 8 bits. With `palette` (red, green, blue of up to 256 colours), one channel is the
 * colours' numbers, whose neighbours mean nothing: they aren't filtered.
 */
export async function encodePng(picture: Picture, palette?: Readonly<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  check(picture);
  const indexed = palette !== undefined && picture.channels === 1;
  const colorType = indexed ? 3 : { 1: 0, 3: 2, 4: 6 }[picture.channels];
  const compressed = join(await compress(picture, !indexed));
  return join([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header(picture.width, picture.height, colorType)),
    ...(indexed ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    chunk('IDAT', compressed),
    chunk('IEND', new Uint8Array(0)),
  ]);
}
