/** What a page and the workers of its models say to each other. */
import type { ErrorCode } from '../errors.js';
import type { EngineDescription, EngineMaps } from './engine.js';
import type { FrameArguments, FrameValue } from './frame.js';
import type { EngineParts, Picture } from './parts.js';
import type { TextCoverage, TextLine } from './platform.js';

/** `module` with shared memory if `threads` is more than 1. */
export interface StartArguments {
  readonly module: WebAssembly.Module;
  readonly threads: number;
  readonly maxMemoryBytes: number;
}

export interface Started {
  readonly threads: number;
  /** A cell in shared memory: 1 in it ends the running call. Not where memory isn't shared. */
  readonly stop: Int32Array | undefined;
}

export interface LoadArguments {
  readonly model: Uint8Array;
  readonly name: string;
  readonly labels?: readonly string[];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Normalisation for a file that carries none. */
  readonly fallback?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly memory?: 'default' | 'low';
}

export interface SegmentArguments {
  /** What {@link Platform.readImage} gave. */
  readonly image: unknown;
  readonly classes: readonly number[];
  readonly resize: boolean;
  readonly filter: 'antialias' | 'linear';
  readonly keepImage: boolean;
}

/** What lies behind a cut-out; `image` as {@link Platform.readImage} gave it. */
export type SentBackground =
  { readonly color: readonly [number, number, number] } | { readonly blur: number } | { readonly image: unknown };

/** A picture of a result. */
export type PictureRequest =
  | { readonly kind: 'mask' }
  | { readonly kind: 'overlay'; readonly opacity: number; readonly legend: boolean | readonly TextCoverage[] }
  | { readonly kind: 'cutout'; readonly classes: readonly number[]; readonly background: SentBackground | undefined };

export interface PictureArguments {
  readonly parts: EngineParts;
  readonly request: PictureRequest;
}

export interface RunLengthsOf {
  readonly size: [height: number, width: number];
  readonly counts: Uint32Array<ArrayBuffer>;
  readonly compressed: string;
  readonly area: number;
  readonly box: [number, number, number, number];
}

export interface OutlineOf {
  readonly outer: Int32Array<ArrayBuffer>;
  readonly holes: Int32Array<ArrayBuffer>[];
  readonly area: number;
  readonly box: [number, number, number, number];
}

/** The calls that a worker answers, one at a time. The first is `start`. */
export interface Calls {
  start: { arguments: StartArguments; value: Started };
  load: { arguments: LoadArguments; value: EngineDescription };
  segment: { arguments: SegmentArguments; value: EngineMaps };
  /** A frame of a video. */
  frame: { arguments: FrameArguments; value: FrameValue };
  /** The lines of an overlay's legend. */
  legend: { arguments: { readonly parts: EngineParts }; value: TextLine[] };
  /** A picture's pixels, RGBA. */
  picture: { arguments: PictureArguments; value: Picture };
  /** The same as a PNG file. */
  png: { arguments: PictureArguments; value: Uint8Array<ArrayBuffer> };
  rle: { arguments: { readonly parts: EngineParts; readonly channel: number }; value: RunLengthsOf };
  polygons: {
    arguments: {
      readonly parts: EngineParts;
      readonly channel: number;
      readonly tolerance: number;
      readonly minArea: number;
    };
    value: OutlineOf[];
  };
}

export type CallName = keyof Calls;

export interface CallMessage {
  readonly call: CallName;
  readonly arguments: unknown;
}

/** To a worker: a call, or what makes it one of an engine's threads. */
export type ToWorker = CallMessage | { readonly thread: unknown };

/** From a worker: how its call ended, or that its engine wants a thread, which is to get the message. */
export type FromWorker =
  | { readonly value: unknown }
  | { readonly error: { readonly code: ErrorCode; readonly message: string }; readonly fatal: boolean }
  | { readonly thread: unknown };
