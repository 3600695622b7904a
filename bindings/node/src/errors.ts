/**
 * What kind of thing went wrong. All but `MODEL_GENERATING` come from the native library and mean what
 * `silhouette::ErrorCode` of the C++ API says.
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
  | 'MODEL_GENERATING';

/** Every failure of this package, but for aborts, which reject with the signal's reason. */
export class SegmentationError extends Error {
  /** For programs; `message` is for people. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'SegmentationError';
    this.code = code;
  }
}

/** The error for a value that can't be meant seriously. */
export function invalidArgument(message: string): SegmentationError {
  return new SegmentationError('INVALID_ARGUMENT', message);
}

/** How messages show a value that somebody passed. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object') {
    const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object';
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}
