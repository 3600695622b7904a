import { abortReason, onAbort, throwIfAborted } from './abort.js';
import { defaultBackend } from './default-backend.js';
import { Aborted, describeValue, invalidArgument, messageOf, SegmentationError } from './errors.js';
import {
  isArrayBuffer,
  isAsyncIterable,
  isBlob,
  isResponse,
  isSharedArrayBuffer,
  isUrl,
  isWebStream,
} from './kinds.js';
import type { ResponseLike } from './kinds.js';

/** A byte-wise view of a buffer, or undefined for anything else. Shared memory is copied: it may change while it is read. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  try {
    if (isArrayBuffer(value)) return new Uint8Array(value);
    if (isSharedArrayBuffer(value)) return new Uint8Array(value).slice();
    if (!ArrayBuffer.isView(value)) return undefined;
    const view = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return isSharedArrayBuffer(value.buffer) ? view.slice() : view;
  } catch (error) {
    throw invalidArgument(
      `the memory of ${describeValue(value)} is gone (${messageOf(error)}): a buffer that was transferred or made smaller ` +
        'holds nothing; give a copy',
      { cause: error },
    );
  }
}

/** The text of a URL or string; a file's has no query, which caches and bundlers like to add. */
export function textOf(value: unknown): string | undefined {
  const text = isUrl(value) ? value.href : value;
  if (typeof text !== 'string') return undefined;
  return /^\s*file:/i.test(text) ? text.replace(/[?#].*$/s, '') : text;
}

/** What bytes are read for, in messages, and how many there may be. */
export interface Purpose {
  readonly what: string;
  readonly mostBytes: number;
}

export function tooLong({ what, mostBytes }: Purpose): SegmentationError {
  return new SegmentationError(
    'LIMIT_EXCEEDED',
    `${what} has more than ${String(mostBytes)} bytes, which is the limit; give a smaller one`,
  );
}

function checked(bytes: Uint8Array, purpose: Purpose): Uint8Array {
  if (bytes.length > purpose.mostBytes) throw tooLong(purpose);
  return bytes;
}

async function collect(
  chunks: AsyncIterable<unknown>,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunks) {
      throwIfAborted(signal);
      const part = bytesOf(chunk);
      if (part === undefined) {
        throw invalidArgument(
          `a stream's chunk is ${describeValue(chunk)}; the stream of ${purpose.what} must give bytes (no setEncoding, no ` +
            'object mode)',
        );
      }
      length += part.length;
      if (length > purpose.mostBytes) throw tooLong(purpose);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof SegmentationError || error instanceof Aborted) throw error;
    throw new SegmentationError('IO_ERROR', `the stream of ${purpose.what} failed: ${messageOf(error)}`, {
      cause: error,
    });
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
  const stopListening = onAbort(signal, () => {
    reader.cancel(abortReason(signal as AbortSignal).reason).catch(() => undefined);
  });
  let done = false;
  try {
    while (!done) {
      const next = await reader.read();
      done = next.done;
      if (!next.done) yield next.value;
    }
  } finally {
    stopListening();
    if (!done) reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

async function readWebStream(
  stream: ReadableStream<unknown>,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (stream.locked) {
    throw invalidArgument(`the stream of ${purpose.what} is locked: something else reads it; give a stream of its own`);
  }
  const bytes = await collect(chunksOf(stream, signal), purpose, signal);
  throwIfAborted(signal);
  return bytes;
}

async function readIterable(
  chunks: AsyncIterable<unknown>,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  // Of Node's streams; an iterator that waits for its next chunk hears of nothing else.
  const { destroy } = chunks as { destroy?: unknown };
  const stopListening = onAbort(signal, () => {
    if (typeof destroy === 'function') destroy.call(chunks);
  });
  try {
    return await collect(chunks, purpose, signal);
  } finally {
    stopListening();
  }
}

/** Blobs that lack `arrayBuffer`, as jsdom's do, are read the way that browsers had first. */
function readOldBlob(blob: Blob, what: string): Promise<ArrayBuffer> {
  interface Reader {
    onload: () => void;
    onerror: () => void;
    result: ArrayBuffer;
    error: unknown;
    readAsArrayBuffer(blob: Blob): void;
  }
  const { FileReader } = globalThis as unknown as { FileReader?: new () => Reader };
  if (FileReader === undefined) {
    throw invalidArgument(`${what} is a Blob that can't be read: it has no arrayBuffer(); give its bytes`);
  }
  const reader = new FileReader();
  return new Promise((resolve, reject) => {
    reader.onload = () => {
      resolve(reader.result);
    };
    reader.onerror = () => {
      reject(new Error(messageOf(reader.error)));
    };
    reader.readAsArrayBuffer(blob);
  });
}

async function readBlob(blob: Blob, purpose: Purpose): Promise<Uint8Array> {
  if (blob.size > purpose.mostBytes) throw tooLong(purpose);
  const readable = typeof (blob as Partial<Blob>).arrayBuffer === 'function';
  try {
    const bytes = bytesOf(await (readable ? blob.arrayBuffer() : readOldBlob(blob, purpose.what)));
    if (bytes !== undefined) return checked(bytes, purpose);
  } catch (error) {
    if (error instanceof SegmentationError) throw error;
    throw new SegmentationError('IO_ERROR', `the Blob of ${purpose.what} can't be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  throw invalidArgument(`the Blob of ${purpose.what} gives no bytes; give a Buffer or Uint8Array`);
}

async function readResponse(
  response: ResponseLike,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { ok, status, url, bodyUsed, body } = response;
  const from = typeof url === 'string' && url !== '' ? ` from ${url}` : '';
  if (!ok) {
    throw new SegmentationError(
      'DOWNLOAD_FAILED',
      `${purpose.what} is a Response${from} with status ${String(status)}; look at its \`ok\` first`,
    );
  }
  if (bodyUsed === true) {
    throw invalidArgument(`the body of the Response${from} was read before; give what you read, or response.clone()`);
  }
  if (isWebStream(body)) return readWebStream(body, purpose, signal);
  if (isAsyncIterable(body)) return readIterable(body, purpose, signal);
  const bytes = bytesOf(await response.arrayBuffer());
  if (bytes === undefined) throw invalidArgument(`the Response${from} gives no bytes; give a Buffer or Uint8Array`);
  return checked(bytes, purpose);
}

async function readBlobUrl(url: string, purpose: Purpose): Promise<Uint8Array> {
  const blob = await defaultBackend.resolveBlobUrl(url);
  if (blob === undefined) {
    throw invalidArgument(
      `'${url}' leads to no Blob: it was revoked, or made in another thread or page; give the Blob itself`,
    );
  }
  return readBlob(blob, purpose);
}

/** Whether {@link readBytes} has to be asked for what this holds. */
export function isDistant(value: unknown): boolean {
  const text = textOf(value);
  if (text !== undefined) return /^\s*blob:/i.test(text);
  return isResponse(value) || isBlob(value) || isWebStream(value) || isAsyncIterable(value);
}

/** The bytes of what {@link isDistant} is true of. Reading ends when `signal` aborts. */
export async function readBytes(value: unknown, purpose: Purpose, signal?: AbortSignal): Promise<Uint8Array> {
  const text = textOf(value);
  if (text !== undefined) return readBlobUrl(text.trim(), purpose);
  if (isResponse(value)) return readResponse(value, purpose, signal);
  if (isBlob(value)) return readBlob(value, purpose);
  if (isWebStream(value)) return readWebStream(value, purpose, signal);
  return readIterable(value as AsyncIterable<unknown>, purpose, signal);
}
