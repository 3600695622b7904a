/** Types of `segmentFrame`, and the checks of its options. */
import type { Dom } from './dom.js';
import type { PixelData } from './image-input.js';
import { describeValue, invalidArgument } from './errors.js';

/**
 * A frame: what a browser shows or draws on, or pixels. It stays the caller's, and is neither closed nor taken away.
 */
export type FrameInput = Dom<'VideoFrame'> | Dom<'HTMLVideoElement'> | Picture | PixelData;

/** What a browser shows or draws on, and holds still. */
export type Picture =
  Dom<'HTMLImageElement'> | Dom<'HTMLCanvasElement'> | Dom<'OffscreenCanvas'> | Dom<'ImageBitmap'> | Dom<'ImageData'>;

export interface FrameOptions {
  /** The classes that stay; default: all but background. */
  subject?: readonly (string | number)[];
  /**
   * Size of the mask: `'model'`, that of the network, which canvases scale well, or `'frame'`. Default: `'model'`.
   */
  size?: 'model' | 'frame';
  /**
   * How much of the last mask stays where the network is unsure, 0 … 1: against flicker. What it is sure of follows at once.
   * Default: 0.
   */
  smoothing?: number;
  /** `'bitmap'`: an `ImageBitmap` too, for canvases and WebGL. Default: `'alpha'`. */
  output?: 'alpha' | 'bitmap';
  /** Makes the promise reject with the signal's reason as soon as it aborts. */
  signal?: AbortSignal | null;
}

/** The mask of a frame. */
export interface FrameResult {
  /** Size of the mask, pixels. */
  readonly width: number;
  readonly height: number;
  /** Size of the frame, pixels. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  /**
   * How much of a pixel is the subject's, 0 … 255, row by row. The memory is used again: it is valid until the call of
   * `segmentFrame` after the next.
   */
  readonly alpha: Uint8ClampedArray<ArrayBuffer>;
  /**
   * White, as opaque as `alpha` says; with `output: 'bitmap'`. It is valid as long, and closed then; who wants to keep it makes a
   * copy, or sends it to another thread.
   */
  readonly bitmap: Dom<'ImageBitmap'> | undefined;
  readonly timings: FrameTimings;
}

/** Wall-clock milliseconds. */
export interface FrameTimings {
  /** Of bringing the frame to about the network's size, in the worker. */
  readonly readMs: number;
  readonly networkMs: number;
  /** From the call to the result. */
  readonly totalMs: number;
}

/** Options as backends take them. */
export interface CheckedFrameOptions {
  readonly size: 'model' | 'frame';
  readonly smoothing: number;
  readonly bitmap: boolean;
}

function oneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === (value ?? choices[0]));
  if (found !== undefined) return found;
  throw invalidArgument(`${name} is ${describeValue(value)}; it may be ${choices.map((c) => `'${c}'`).join(' or ')}`);
}

export function checkFrameOptions(options: FrameOptions): CheckedFrameOptions {
  const smoothing: unknown = options.smoothing ?? 0;
  if (typeof smoothing !== 'number' || !(smoothing >= 0 && smoothing <= 1)) {
    throw invalidArgument(`smoothing is ${describeValue(smoothing)}; it must be a number from 0 to 1`);
  }
  return {
    size: oneOf(options.size, 'size', ['model', 'frame']),
    smoothing,
    bitmap: oneOf(options.output, 'output', ['alpha', 'bitmap']) === 'bitmap',
  };
}
