/**
 * What a value is, told by the value itself. Jest, vitest, jsdom, Electron and node:vm have globals of their own, and
 * `instanceof` knows those of one place only.
 */

/** What the engine itself says of a value, whatever its prototype pretends; undefined if it isn't of that kind. */
function intrinsic(prototype: object, property: PropertyKey): (value: unknown) => unknown {
  const getter = Reflect.getOwnPropertyDescriptor(prototype, property)?.get;
  return (value) => {
    try {
      return getter?.call(value) as unknown;
    } catch {
      return undefined;
    }
  };
}

const byteLengthOfBuffer = intrinsic(ArrayBuffer.prototype, 'byteLength');
const byteLengthOfShared =
  typeof SharedArrayBuffer === 'undefined' ? () => undefined : intrinsic(SharedArrayBuffer.prototype, 'byteLength');
const nameOfTypedArray = intrinsic(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag);

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return byteLengthOfBuffer(value) !== undefined;
}

export function isSharedArrayBuffer(value: unknown): value is SharedArrayBuffer {
  return byteLengthOfShared(value) !== undefined;
}

/** 8-bit pixels: a `Uint8Array`, `Buffer` or `Uint8ClampedArray`. */
export function isByteArray(value: unknown): value is Uint8Array | Uint8ClampedArray {
  const name = nameOfTypedArray(value);
  return name === 'Uint8Array' || name === 'Uint8ClampedArray';
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

export function isUrl(value: unknown): value is URL {
  return isObject(value) && tagOf(value) === 'URL' && typeof (value as URL).href === 'string';
}

/** A `Blob` or `File`; jsdom's have no `arrayBuffer` and no `stream`. */
export function isBlob(value: unknown): value is Blob {
  if (!isObject(value) || typeof (value as Blob).size !== 'number') return false;
  return ['Blob', 'File'].includes(tagOf(value)) || typeof (value as Blob).arrayBuffer === 'function';
}

/** What `fetch` gives: the platform's, or that of a package. */
export interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly url?: string;
  readonly bodyUsed?: boolean;
  readonly body?: unknown;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export function isResponse(value: unknown): value is ResponseLike {
  if (!isObject(value)) return false;
  const { ok, status, arrayBuffer } = value as Partial<ResponseLike>;
  return typeof ok === 'boolean' && typeof status === 'number' && typeof arrayBuffer === 'function';
}

export function isWebStream(value: unknown): value is ReadableStream<unknown> {
  return isObject(value) && typeof (value as ReadableStream).getReader === 'function';
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  if (!isObject(value)) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}
