import type { BackendImage, RawPixels } from './backend.js';
import type { Dom } from './dom.js';
import type { Picture } from './frames.js';
import { bytesOf, isDistant, readBytes, textOf, tooLong } from './bytes.js';
import { defaultBackend } from './default-backend.js';
import { describeValue, invalidArgument } from './errors.js';
import { isByteArray, isObject } from './kinds.js';

/** Raw pixels as sharp gives them: `await sharp(file).raw().toBuffer({ resolveWithObject: true })`. */
export interface SharpRaw {
  data: Uint8Array;
  info: { width: number; height: number; channels: number };
}

/** 8-bit pixels: a canvas's `ImageData`, or the same with 1 (grey), 3 (RGB) or 4 (RGBA) `channels`. */
export interface PixelData {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** Default: what the length of `data` and `stride` says. */
  channels?: number;
  /** Bytes from row to row. Default: width × channels. */
  stride?: number;
}

/**
 * An image. `string`: path, `file://`, `http(s)://`, `data:` or `blob:` URI, base64. `URL`. The bytes of an encoded image as a
 * buffer, `Blob`, `Response` or stream (of the web, or any async iterable of chunks, as Node's are). Pixels. In browsers also
 * what shows a picture: an image, canvas or video element, `OffscreenCanvas`, `ImageBitmap`, `VideoFrame`.
 */
export type ImageInput =
  | string
  | URL
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | PixelData
  | SharpRaw
  | Picture
  | Dom<'HTMLVideoElement'>
  | Dom<'VideoFrame'>;

/** As many bytes as the library reads from any other source. */
const AN_IMAGE = { what: 'the image', mostBytes: 256 * 1024 * 1024 };

function readPixels(value: Record<string, unknown>): RawPixels {
  const size = (name: string, from: Record<string, unknown>): number => {
    const number = from[name];
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) {
      throw invalidArgument(`the image's ${name} is ${describeValue(number)}; it must be a whole number from 1`);
    }
    return number;
  };
  const { info, data } = value;
  const header = isObject(info) ? info : value;
  if (!isByteArray(data)) {
    throw invalidArgument(`the image's data is ${describeValue(data)}; give 8-bit pixels as a Uint8Array`);
  }
  const fields = header as Record<string, unknown>;
  const width = size('width', fields);
  const height = size('height', fields);
  const bytes = bytesOf(data) as Uint8Array;
  const pixels: RawPixels = { data: bytes, width, height, channels: 0 };
  const given = (name: string): boolean => fields[name] !== undefined && fields[name] !== null;
  if (given('stride')) pixels.stride = size('stride', fields);
  if (given('channels')) {
    pixels.channels = size('channels', fields);
  } else {
    pixels.channels = pixels.stride === undefined ? bytes.length / width / height : 4;
  }
  if (![1, 3, 4].includes(pixels.channels)) {
    throw invalidArgument(
      !given('channels')
        ? `${String(bytes.length)} bytes are not the pixels of ${String(width)} × ${String(height)} with 1, 3 or 4 channels`
        : `the image has ${String(pixels.channels)} channels; give 1 (grey), 3 (RGB) or 4 (RGBA)`,
    );
  }
  // What lies behind the pixels isn't copied along.
  pixels.data = bytes.subarray(0, (pixels.stride ?? width * pixels.channels) * height);
  return pixels;
}

function describeInput(input: unknown): string {
  if (isObject(input) && typeof (input as { then?: unknown }).then === 'function')
    return 'a promise, which must be awaited first';
  return describeValue(input);
}

function readAny(input: unknown): BackendImage {
  const text = textOf(input);
  if (text !== undefined) return text;
  const bytes = bytesOf(input);
  if (bytes !== undefined) {
    if (bytes.length > AN_IMAGE.mostBytes) throw tooLong(AN_IMAGE);
    return { bytes };
  }
  if (isObject(input) && (defaultBackend.takesObject?.(input) ?? false)) return { object: input };
  if (isObject(input) && 'data' in input) return readPixels(input);
  throw invalidArgument(
    `an image is ${describeInput(input)}; give a path, URL, base64 text, bytes, Blob, Response, stream or pixels`,
  );
}

/** How much memory an image is in that somebody else may take away. */
function lengthOf(image: BackendImage): number {
  if (typeof image === 'string') return 0;
  if ('object' in image) return 0;
  return 'bytes' in image ? image.bytes.length : image.data.length;
}

/** An image that was read, to be used later. */
export interface ReadImage {
  /** What backends take; refuses an image whose memory isn't what it was. */
  use(): BackendImage;
}

/** The same for a frame, which is at hand. */
export function readFrame(frame: unknown): BackendImage {
  if (isObject(frame) && (defaultBackend.takesObject?.(frame) ?? false)) return { object: frame };
  if (isObject(frame) && 'data' in frame) return readPixels(frame);
  throw invalidArgument(
    `a frame is ${describeInput(frame)}; give a video, VideoFrame, canvas, ImageBitmap or image of a browser, or pixels`,
  );
}

/** Brings an image to what backends take. Reading of streams ends when `signal` aborts. */
export async function readImage(input: unknown, signal?: AbortSignal): Promise<ReadImage> {
  const image = isDistant(input) ? { bytes: await readBytes(input, AN_IMAGE, signal) } : readAny(input);
  const length = lengthOf(image);
  return {
    use: () => {
      if (lengthOf(image) === length) return image;
      throw invalidArgument(
        'the memory of the image was transferred or resized while the call waited for its turn; leave it alone until the ' +
          'promise settles, or give a copy',
      );
    },
  };
}
