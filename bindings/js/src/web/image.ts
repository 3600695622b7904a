/** Images on the page's side: what browsers have for one, made into a bitmap that is moved to a worker. */
import type { BackendImage, RawPixels } from '../backend.js';
import { describeValue, invalidArgument, messageOf, SegmentationError } from '../errors.js';
import { throwIfCancelled } from '../wasm/call.js';
import { fetchBytes } from '../wasm/downloads.js';
import { sentPixels } from '../wasm/pixels.js';
import type { SentImage } from '../wasm/platform.js';
import { decodeBase64, displaySource, isDataUri, isHttpUrl, looksLikeBase64, readDataUri } from '../wasm/sources.js';
import { absoluteUrl } from './files.js';
import { canDraw } from './scope.js';
import { readHeader, type ImageFormat } from './header.js';

/** As in the native library (`src/base/image.hpp`). */
const MOST_SIDE = 65_500;
const MOST_PIXELS = 150_000_000;

/** All browsers that have what the engine needs read these. */
const FORMATS: readonly ImageFormat[] = ['JPEG', 'PNG', 'WebP', 'GIF', 'BMP', 'AVIF'];

let decoder: boolean | undefined;

/** Whether images can be decoded here: Bun has no canvas, Deno's doesn't draw. */
function hasDecoder(): boolean {
  decoder ??= typeof createImageBitmap === 'function' && canDraw();
  return decoder;
}

export function readableImageFormats(): readonly string[] {
  return hasDecoder() ? FORMATS : [];
}

function checkSize({ width, height }: { width: number; height: number }, name: string): void {
  if (width <= MOST_SIDE && height <= MOST_SIDE && width * height <= MOST_PIXELS) return;
  throw new SegmentationError(
    'LIMIT_EXCEEDED',
    `${name} has ${String(width)} × ${String(height)} pixels; the limits are ${String(MOST_SIDE)} a side and ` +
      `${String(MOST_PIXELS / 1e6)} million in all`,
  );
}

const invalid = (name: string, why: string): SegmentationError =>
  new SegmentationError('INVALID_IMAGE', `${name} ${why}; get an intact copy`);

function unsupported(name: string, what: string): SegmentationError {
  const list = `${FORMATS.slice(0, -1).join(', ')} or ${FORMATS.at(-1) as string}`;
  const remedy = hasDecoder() ? `give ${list}` : 'nothing here decodes images: give pixels ({ data, width, height })';
  return new SegmentationError('UNSUPPORTED_IMAGE', `${name} is ${what}; ${remedy}`);
}

const BITMAP: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  premultiplyAlpha: 'default',
  colorSpaceConversion: 'default',
};

/** The browser decodes on a thread of its own. */
async function decode(bytes: Uint8Array<ArrayBuffer>, name: string, readMs: number): Promise<SentImage> {
  const began = performance.now();
  if (bytes.length === 0) throw invalid(name, 'is empty');
  const header = readHeader(bytes);
  if (header === undefined) throw unsupported(name, 'in no image format that browsers read');
  if (!hasDecoder()) throw unsupported(name, `a ${header.format} file`);
  if (header.size === undefined) throw invalid(name, `is a broken ${header.format} file: it doesn't tell its size`);
  checkSize(header.size, name);
  if (header.cut) throw invalid(name, `is a broken ${header.format} file: it ends too early`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]), BITMAP);
  } catch (error) {
    if (FORMATS.includes(header.format)) {
      throw invalid(name, `is a ${header.format} file that this browser can't decode (${messageOf(error)})`);
    }
    throw unsupported(name, `a ${header.format} file, which this browser doesn't decode`);
  }
  return sentBitmap(bitmap, readMs, performance.now() - began);
}

function sentBitmap(bitmap: ImageBitmap, readMs: number, decodeMs: number): SentImage {
  const { width, height } = bitmap;
  return { image: { bitmap }, moved: [bitmap], width, height, readMs, decodeMs };
}

async function readText(text: string, signal: AbortSignal): Promise<SentImage> {
  const began = performance.now();
  const trimmed = text.trim();
  const name = `'${displaySource(trimmed)}'`;
  const elapsed = (): number => performance.now() - began;
  if (trimmed === '') throw invalidArgument('the image is an empty text; give a URL, data: URI or base64 text');
  if (isDataUri(trimmed)) return decode(readDataUri(trimmed), name, elapsed());
  const scheme = /^([a-z][a-z\d+.-]*):/i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === 'file') {
    throw invalidArgument(`${name} is a file of this machine, which pages can't open; give the File that a user chose`);
  }
  if (scheme !== undefined && !isHttpUrl(trimmed)) {
    throw invalidArgument(`${name} has the unknown scheme '${scheme}'; known are http, https, data and blob`);
  }
  if (scheme === undefined && looksLikeBase64(trimmed)) return decode(decodeBase64(trimmed), name, elapsed());
  const bytes = await fetchBytes(absoluteUrl(trimmed), signal);
  throwIfCancelled(signal);
  return decode(bytes, name, elapsed());
}

function readPixels(pixels: RawPixels): SentImage {
  checkSize(pixels, 'the image');
  return sentPixels(pixels);
}

/** What a browser's object says that it is; that of another frame says the same. */
const tagOf = (value: object): string => Object.prototype.toString.call(value).slice('[object '.length, -1);

interface Kind {
  /** Its size in pixels; refuses what has no picture to give. */
  readonly size: (value: never) => { width: number; height: number };
  /** Whether it may hold another site's picture, which pages may show and not read. */
  readonly foreign: boolean;
}

const canvas: Kind = {
  size: ({ width, height }: OffscreenCanvas) => {
    if (width > 0 && height > 0) return { width, height };
    throw invalidArgument('the canvas has no pixels (its width or height is 0); draw something first');
  },
  foreign: true,
};

/** Kinds of objects that are images in themselves. */
const KINDS: Readonly<Record<string, Kind>> = {
  HTMLCanvasElement: canvas,
  OffscreenCanvas: canvas,
  ImageBitmap: {
    size: ({ width, height }: ImageBitmap) => {
      if (width > 0 && height > 0) return { width, height };
      throw invalidArgument('the ImageBitmap was closed or transferred; give one that is whole');
    },
    foreign: true,
  },
  HTMLImageElement: {
    size: (image: HTMLImageElement) => {
      const { complete, naturalWidth: width, naturalHeight: height } = image;
      if (complete && width > 0 && height > 0) return { width, height };
      const name = `the image element ('${displaySource(image.currentSrc || image.src)}')`;
      if (complete && image.currentSrc !== '')
        throw new SegmentationError('INVALID_IMAGE', `${name} shows nothing: it failed to load`);
      throw invalidArgument(`${name} isn't loaded yet; wait for \`await image.decode()\` first`);
    },
    foreign: true,
  },
  HTMLVideoElement: {
    size: ({ readyState, videoWidth: width, videoHeight: height }: HTMLVideoElement) => {
      if (readyState >= 2 && width > 0 && height > 0) return { width, height };
      throw invalidArgument("the video has no frame yet (readyState is below 2); wait for its event 'loadeddata'");
    },
    foreign: true,
  },
  VideoFrame: {
    size: ({ displayWidth: width, displayHeight: height, format, codedWidth }: VideoFrame) => {
      if (codedWidth > 0 && width > 0 && height > 0) return { width, height };
      throw invalidArgument(
        `the VideoFrame was closed (its format is ${describeValue(format)}); close it after the call, or give a clone()`,
      );
    },
    foreign: false,
  },
  // Of other colour spaces than sRGB, or more bits; plain ones are pixels.
  ImageData: { size: ({ width, height }: ImageData) => ({ width, height }), foreign: false },
};

const isPlain = (image: ImageData): boolean =>
  ((image.colorSpace as string | undefined) ?? 'srgb') === 'srgb' && image.data instanceof Uint8ClampedArray;

/** Whether an object is an image in itself, and not pixels or bytes. */
export function isPicture(value: object): boolean {
  const tag = tagOf(value);
  return tag in KINDS && !(tag === 'ImageData' && isPlain(value as ImageData));
}

/** The size of a picture that {@link isPicture} knows. */
export function sizeOfPicture(picture: object): { width: number; height: number } {
  const size = (KINDS[tagOf(picture)] as Kind).size(picture as never);
  checkSize(size, 'the image');
  return size;
}

/** Refuses another site's picture while the object is at hand: a worker would only say that it got nothing. */
function checkReadable(bitmap: ImageBitmap, what: string): void {
  const context = new OffscreenCanvas(1, 1).getContext('2d', {
    willReadFrequently: true,
  }) as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0, 1, 1, 0, 0, 1, 1);
  try {
    context.getImageData(0, 0, 1, 1);
  } catch (error) {
    bitmap.close();
    throw invalidArgument(
      `the ${what} shows a picture of another site, which this page may not read: load it with crossorigin="anonymous" from a ` +
        'server that allows it (CORS), or fetch its bytes',
      { cause: error },
    );
  }
}

/** A bitmap of a picture, or of part of its size. `options`: of `createImageBitmap`. */
export async function bitmapOf(picture: object, options: ImageBitmapOptions = {}): Promise<ImageBitmap> {
  const tag = tagOf(picture);
  if (!hasDecoder()) throw unsupported(`the ${tag}`, 'a picture of a browser');
  let bitmap;
  try {
    bitmap = await createImageBitmap(picture as ImageBitmapSource, { ...BITMAP, ...options });
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name === 'SecurityError') {
      throw invalidArgument(`the ${tag} shows a picture of another site, which this page may not read`, {
        cause: error,
      });
    }
    throw invalidArgument(`no picture can be made of the ${tag}: ${messageOf(error)}`, { cause: error });
  }
  if ((KINDS[tag] as Kind).foreign) checkReadable(bitmap, tag);
  return bitmap;
}

async function readPicture(picture: object): Promise<SentImage> {
  const began = performance.now();
  sizeOfPicture(picture);
  const bitmap = await bitmapOf(picture);
  return sentBitmap(bitmap, 0, performance.now() - began);
}

/** What `Platform.readImage` does. */
export async function readImage(image: BackendImage, signal: AbortSignal): Promise<SentImage> {
  if (typeof image === 'string') return readText(image, signal);
  if ('object' in image) return readPicture(image.object);
  if (!('bytes' in image)) return readPixels(image);
  const { bytes } = image;
  // A blob has a copy of its own; bytes in shared memory were copied before.
  return decode(bytes as Uint8Array<ArrayBuffer>, `the image of ${String(bytes.length)} bytes`, 0);
}
