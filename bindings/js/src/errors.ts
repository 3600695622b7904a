/**
 * What kind of thing went wrong. All but `MODEL_GENERATING` and `ADDON_UNAVAILABLE` come from the native library too and mean
 * what `silhouette::ErrorCode` of the C++ API says.
 */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'MODEL_NOT_LOADED'
  | 'INVALID_MODEL'
  | 'UNSUPPORTED_MODEL'
  | 'INVALID_IMAGE'
  | 'UNSUPPORTED_IMAGE'
  | 'FILE_NOT_FOUND'
  | 'IO_ERROR'
  | 'DOWNLOAD_FAILED'
  | 'LIMIT_EXCEEDED'
  | 'CANCELLED'
  | 'INTERNAL'
  | 'MODEL_GENERATING'
  | 'ADDON_UNAVAILABLE';

/** Every failure of this package, but for aborts, which reject with the signal's reason. */
export class SegmentationError extends Error {
  /** For programs; `message` is for people. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SegmentationError';
    this.code = code;
  }
}

/** How an abort travels within the package; what callers get is `reason`, which may be anything. */
export class Aborted extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('aborted');
    this.reason = reason;
  }
}

/** The error for a value that can't be meant seriously. */
export function invalidArgument(message: string, options?: ErrorOptions): SegmentationError {
  return new SegmentationError('INVALID_ARGUMENT', message, options);
}

/** The text of whatever somebody threw. */
export function messageOf(error: unknown): string {
  try {
    const message = (error as { message?: unknown } | null | undefined)?.message;
    return typeof message === 'string' && message !== '' ? message : String(error);
  } catch {
    return 'an error that has no text';
  }
}

function nameOf(error: unknown): unknown {
  try {
    return (error as { name?: unknown } | null | undefined)?.name;
  } catch {
    return undefined;
  }
}

/**
 * What callers get to see of a failure. What isn't ours was thrown by something of theirs that we asked (a getter, a proxy,
 * an odd object), or by the engine where memory ends.
 */
export function publicError(error: unknown): unknown {
  if (error instanceof Aborted) return error.reason;
  if (error instanceof SegmentationError) return error;
  if (nameOf(error) === 'RangeError') {
    return new SegmentationError('LIMIT_EXCEEDED', `there is not enough memory: ${messageOf(error)}`, { cause: error });
  }
  return invalidArgument(`an argument can't be read: ${messageOf(error)}`, { cause: error });
}

/** Runs what a public method does, and lets nothing out that {@link publicError} hasn't seen. */
export async function reporting<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw publicError(error);
  }
}

/** The same for what answers at once. */
export function reportingNow<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw publicError(error);
  }
}

/** How messages show a value that somebody passed. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object') {
    try {
      if (Array.isArray(value)) return 'an array';
      const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
      return typeof name === 'string' && name !== '' && name !== 'Object' ? `a ${name}` : 'an object';
    } catch {
      return 'an object that throws';
    }
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

/** Options as somebody passed them; null is as if there were none. */
export function optionsOf<T extends object>(options: T | null | undefined, of: string): T {
  if (options === undefined || options === null) return {} as T;
  if (typeof options !== 'object')
    throw invalidArgument(`the options of ${of} are ${describeValue(options)}; give an object`);
  return options;
}

/** A function that somebody passed to be called with progress, or undefined for none. */
export function progressOf(callback: unknown): ((fraction: number) => void) | undefined {
  if (callback === undefined || callback === null) return undefined;
  if (typeof callback === 'function') return callback as (fraction: number) => void;
  throw invalidArgument(`onProgress is ${describeValue(callback)}; give a function`);
}
