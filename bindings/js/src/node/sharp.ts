/** The npm package `sharp`, where the program has it: decoding of images, and text. */
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';

import { messageOf, SegmentationError } from '../errors.js';
import type { EngineImage } from '../wasm/parts.js';
import type { TextCoverage, TextLine } from '../wasm/platform.js';
import { unsupportedImage, SHARP_FORMATS, type SharpFormat } from './image-formats.js';
import { checkSize, MOST_PIXELS } from './image-limits.js';

/** As much of sharp as is used; its own types are there only where it is. */
interface SharpImage {
  metadata(): Promise<{ width?: number; height?: number; pages?: number }>;
  rotate(): SharpImage;
  flatten(options: { background: string }): SharpImage;
  toColourspace(space: string): SharpImage;
  raw(options?: { depth: string }): SharpImage;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number; channels: number } }>;
}
type Sharp = (input: Uint8Array | object, options?: object) => SharpImage;

let known: { sharp: Sharp | undefined; reason: string } | undefined;

function load(): { sharp: Sharp | undefined; reason: string } {
  if (known === undefined) {
    try {
      known = { sharp: createRequire(__filename)('sharp') as Sharp, reason: '' };
    } catch (error) {
      const { code } = error as { code?: unknown };
      known = { sharp: undefined, reason: code === 'MODULE_NOT_FOUND' ? 'it is not installed' : messageOf(error) };
    }
  }
  return known;
}

export function hasSharp(): boolean {
  return load().sharp !== undefined;
}

function needSharp(name: string): Sharp {
  const { sharp, reason } = load();
  if (sharp !== undefined) return sharp;
  throw new SegmentationError(
    'UNSUPPORTED_IMAGE',
    `'${name}' can't be decoded: without the native addon images are decoded by the package sharp, and ${reason}; ` +
      '`npm install sharp`, or give pixels as { data, width, height }',
  );
}

/** Whether a JPEG decoder's warning tells of lost pixels: it goes on with grey, or with what came before. */
const DAMAGE = /premature end|bad Huffman code|bad arithmetic code|instead of RST/i;

/** sharp puts what it was given into some messages, whole. */
const MOST_OF_A_REASON = 500;

function explain(error: unknown, name: string, format: SharpFormat): SegmentationError {
  if (error instanceof SegmentationError) return error;
  const reason = messageOf(error)
    .trim()
    .replace(/\s*\n\s*/g, '; ')
    .slice(0, MOST_OF_A_REASON);
  if (reason.includes('pixel limit')) {
    return new SegmentationError(
      'LIMIT_EXCEEDED',
      `'${name}' has more than ${String(MOST_PIXELS / 1e6)} million pixels`,
    );
  }
  if (/out of memory|bad_alloc/.test(reason)) {
    return new SegmentationError('LIMIT_EXCEEDED', `no memory to decode '${name}'; give a smaller image`);
  }
  if (/unsupported|no codec|not been built|no known route|not a whole number/i.test(reason)) {
    return unsupportedImage(name, `a ${format} image of a kind that sharp doesn't read (${reason})`, SHARP_FORMATS);
  }
  return new SegmentationError(
    'INVALID_IMAGE',
    `'${name}' is a broken or truncated ${format} image: ${reason}; get an intact copy`,
  );
}

async function decodeOnce(sharp: Sharp, bytes: Uint8Array, name: string, failOn: string): Promise<EngineImage> {
  const options = { failOn, limitInputPixels: MOST_PIXELS, sequentialRead: true };
  // A test runner's Uint8Array is none to sharp; a Buffer of Node's is one whatever its memory belongs to.
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { width, height } = await sharp(encoded, options).metadata();
  if (width !== undefined && height !== undefined) checkSize(width, height, name);
  const image = sharp(encoded, options).rotate().flatten({ background: '#ffffff' }).toColourspace('srgb');
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width: columns, height: rows, channels } = info;
  // Memory of sharp's can't be moved to another thread.
  return { data: new Uint8Array(data), width: columns, height: rows, channels: channels as EngineImage['channels'] };
}

/** Upright 8-bit sRGB on white, of the first frame or page. */
export async function decodeBySharp(bytes: Uint8Array, name: string, format: SharpFormat): Promise<EngineImage> {
  const sharp = needSharp(name);
  try {
    return await decodeOnce(sharp, bytes, name, 'warning');
  } catch (error) {
    if (format !== 'JPEG' || error instanceof SegmentationError || DAMAGE.test(messageOf(error))) {
      throw explain(error, name, format);
    }
  }
  // What is left are warnings that cost no pixels, or errors that come again.
  try {
    return await decodeOnce(sharp, bytes, name, 'error');
  } catch (error) {
    throw explain(error, name, format);
  }
}

/** As high and as low as the font goes, so that every word gets a line's height; drawn with next to no opacity. */
const LINE = '|\u00c5|';
/** What these letters span of the size of DejaVu Sans. */
const LINE_OF_SIZE = 1.18;

const escaped = (text: string): string =>
  // Control characters end paragraphs or can't stand in markup.
  text.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[&<>]/g, (c) => `&#${String(c.charCodeAt(0))};`);

async function writeText(sharp: Sharp, { text, pixelHeight }: TextLine): Promise<TextCoverage> {
  const size = (pixelHeight / LINE_OF_SIZE).toFixed(2);
  const markup = `<span font_desc="DejaVu Sans ${size}px"><span alpha="1">${LINE}</span>${escaped(text)}</span>`;
  const drawn = await sharp({ text: { text: markup, rgba: true, dpi: 72 } })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { data, info } = drawn;
  const { width, height, channels } = info;
  const coverage = (x: number, y: number): number => data[(y * width + x) * channels + channels - 1] as number;
  const hasInk = (x: number): boolean => {
    for (let y = 0; y < height; ++y) if (coverage(x, y) !== 0) return true;
    return false;
  };
  let begin = 0;
  while (begin < width && !hasInk(begin)) ++begin;
  let end = width;
  while (end > begin && !hasInk(end - 1)) --end;
  const values = new Uint8Array(Math.max(end - begin, 1) * height);
  for (let y = 0; y < height; ++y) {
    for (let x = begin; x < end; ++x) values[y * (end - begin) + x - begin] = coverage(x, y);
  }
  return { width: Math.max(end - begin, 1), height, values };
}

/** Lines of a legend, as the native library draws them. */
export function writeTexts(lines: readonly TextLine[]): Promise<TextCoverage[]> {
  const sharp = needSharp('a legend');
  return Promise.all(lines.map((line) => writeText(sharp, line)));
}
