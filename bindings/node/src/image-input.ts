import { abortReason, throwIfAborted } from './abort.js';
import type { BackendImage, RawPixels } from './backend.js';
import { describeValue, invalidArgument, SegmentationError } from './errors.js';
import { bytesOf } from './resource.js';

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
 * An image. `string`: path, `file://`, `http(s)://` or `data:` URI, base64. `URL`. The bytes of an encoded image as a buffer,
 * `Blob` or stream (of the web, or any async iterable of chunks, as Node's are). Pixels.
 */
export type ImageInput =
  | string
  | URL
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | PixelData
  | SharpRaw;

/** As many bytes as the library reads from any other source. */
const MAX_ENCODED_BYTES = 256 * 1024 * 1024;

function tooLong(): SegmentationError {
  return new SegmentationError(
    'LIMIT_EXCEEDED',
    `the image has more than ${String(MAX_ENCODED_BYTES)} bytes; that is the limit for encoded images`,
  );
}

function readPixels(value: Record<string, unknown>): RawPixels {
  const size = (name: string, from: Record<string, unknown>): number => {
    const number = from[name];
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) {
      throw invalidArgument(`the image's ${name} is ${describeValue(number)}; it must be a whole number from 1`);
    }
    return number;
  };
  const header = typeof value['info'] === 'object' && value['info'] !== null ? value['info'] : value;
  const { data } = value;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw invalidArgument(`the image's data is ${describeValue(data)}; give 8-bit pixels as a Uint8Array`);
  }
  const fields = header as Record<string, unknown>;
  const width = size('width', fields);
  const height = size('height', fields);
  const pixels: RawPixels = { data: bytesOf(data) as Uint8Array, width, height, channels: 0 };
  if (fields['stride'] !== undefined) pixels.stride = size('stride', fields);
  if (fields['channels'] !== undefined) {
    pixels.channels = size('channels', fields);
  } else {
    pixels.channels = pixels.stride === undefined ? data.length / width / height : 4;
  }
  if (![1, 3, 4].includes(pixels.channels)) {
    throw invalidArgument(
      fields['channels'] === undefined
        ? `${String(data.length)} bytes are not the pixels of ${String(width)} × ${String(height)} with 1, 3 or 4 channels`
        : `the image has ${String(pixels.channels)} channels; give 1 (grey), 3 (RGB) or 4 (RGBA)`,
    );
  }
  return pixels;
}

async function collect(chunks: AsyncIterable<unknown>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const part = bytesOf(chunk);
    if (part === undefined) {
      throw invalidArgument(`a stream's chunk is ${describeValue(chunk)}; a stream of an image must give bytes`);
    }
    length += part.length;
    if (length > MAX_ENCODED_BYTES) throw tooLong();
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** A web stream's chunks; Node 18's streams of the web are iterable, those of other makers may not be. */
async function* chunksOf(stream: ReadableStream<unknown>, signal: AbortSignal | undefined): AsyncGenerator {
  const reader = stream.getReader();
  const abort = (): void => {
    reader.cancel(abortReason(signal as AbortSignal)).catch(() => undefined);
  };
  signal?.addEventListener('abort', abort, { once: true });
  let done = false;
  try {
    while (!done) {
      const next = await reader.read();
      done = next.done;
      if (!next.done) yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    if (!done) reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

/** Brings an image to what backends take. Reading of streams ends when `signal` aborts. */
export async function readImage(input: unknown, signal?: AbortSignal): Promise<BackendImage> {
  if (typeof input === 'string') return input;
  if (input instanceof URL) return input.href;
  const bytes = bytesOf(input);
  if (bytes !== undefined) return { bytes };
  if (typeof input !== 'object' || input === null) {
    throw invalidArgument(
      `an image is ${describeValue(input)}; give a path, URL, base64 text, bytes, stream or pixels`,
    );
  }
  if (typeof Blob !== 'undefined' && input instanceof Blob) {
    if (input.size > MAX_ENCODED_BYTES) throw tooLong();
    return { bytes: new Uint8Array(await input.arrayBuffer()) };
  }
  if (typeof (input as ReadableStream).getReader === 'function') {
    const encoded = await collect(chunksOf(input as ReadableStream, signal));
    throwIfAborted(signal);
    return { bytes: encoded };
  }
  if (Symbol.asyncIterator in input) {
    // Of Node's streams; an iterator that waits for its next chunk hears of nothing else.
    const { destroy } = input as { destroy?: unknown };
    const abort = (): void => {
      if (typeof destroy === 'function') destroy.call(input);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return { bytes: await collect(input as AsyncIterable<unknown>) };
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
  if ('data' in input) return readPixels(input);
  throw invalidArgument(`an image is ${describeValue(input)}; give a path, URL, base64 text, bytes, stream or pixels`);
}
