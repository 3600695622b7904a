/**
 * What the API and the hooks need of the thing that does the work: the native addon (`native/backend.ts`), or the core in
 * WebAssembly (`wasm/backend.ts`) on Node (`node/`) or in a browser (`web/`). `default-backend.ts` chooses.
 */
import type { Dom } from './dom.js';

/** Pixels of 8 bits, rows from the top. `channels`: 1 grey, 3 RGB, 4 RGBA. */
export interface RawPixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
  /** Bytes from row to row; without it, rows follow each other without gaps. */
  stride?: number;
}

/** An image as backends take it: a path, URI or base64 text; an encoded file; pixels; what `Backend.takesObject` knows. */
export type BackendImage = string | { bytes: Uint8Array } | RawPixels | { object: object };

/** What lies behind a cut-out: a colour, the photo out of focus (a share of its longer side), another picture. */
export type BackendBackground =
  { color: readonly [red: number, green: number, blue: number] } | { blur: number } | { image: BackendImage };

/** A model as backends take it: a registry name, path or URL; the bytes of a `.pte` file. */
export type BackendModelSource = string | Uint8Array;

export interface BackendLoadOptions {
  engine?: string;
  threads?: number;
  memory?: string;
  keepPackedWeights?: boolean;
  labels?: readonly string[];
  mean?: readonly [number, number, number];
  std?: readonly [number, number, number];
  sha256?: string;
  cacheDirectory?: string;
}

export interface BackendSegmentOptions {
  resize?: boolean;
  filter?: string;
  keepImage?: boolean;
}

/** What is known about a loaded model. */
export interface ModelDescription {
  /** The name, path or URL given to `load`; `'bytes'` for bytes. */
  readonly source: string;
  readonly engine: string;
  /** Why that engine was chosen. */
  readonly engineReason: string;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly outputWidth: number;
  readonly outputHeight: number;
  /** Channels of the network's output. */
  readonly channels: number;
  /** Names of the classes of results, by channel. */
  readonly labels: readonly string[];
  /** `'caller'`, `'file'`, `'registry'` or `'default'`. */
  readonly labelsOrigin: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** `'caller'`, `'file'`, `'registry'` or `'default'`. */
  readonly normalizationOrigin: string;
  readonly operators: readonly string[];
  readonly delegates: readonly string[];
}

/** Wall-clock milliseconds that each stage of a call took. */
export interface StageTimings {
  readonly readMs: number;
  readonly decodeMs: number;
  readonly preprocessMs: number;
  readonly networkMs: number;
  readonly postprocessMs: number;
  readonly totalMs: number;
}

/** How a result was made. */
export interface SegmentationInfo {
  readonly model: string;
  readonly engine: string;
  readonly engineReason: string;
  /** Size of the upright original. */
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly timings: StageTimings;
}

export interface OverlayOptions {
  /** Of the colour on a class's pixels, 0 … 1. Default: 0.55. */
  opacity?: number;
  /** A box with colour, name and share of every class found. Default: true. */
  legend?: boolean;
}

/** x, y, width and height in pixels; all 0 where there is nothing. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/**
 * The pixels of a class as COCO's run lengths: the mask is read column by column from the top left, and `counts` are the
 * lengths of its runs of equal pixels, of clear and set ones in turn, clear ones first.
 */
export interface Rle {
  /** Height and width. */
  readonly size: readonly [height: number, width: number];
  readonly counts: Uint32Array<ArrayBuffer>;
  /** `counts` as COCO's text: `{ size, counts: compressed }` is what pycocotools reads, and what `JSON.stringify` writes. */
  readonly compressed: string;
  /** Number of set pixels. */
  readonly area: number;
  readonly box: Box;
  toJSON(): { size: readonly [height: number, width: number]; counts: string };
}

/**
 * An outline and the holes in it, each as x₀, y₀, x₁, y₁ … of pixels' corners: x is 0 … width, y 0 … height. The last
 * point is joined to the first. Outlines turn clockwise on a screen, holes the other way.
 */
export interface Polygon {
  readonly outer: Int32Array<ArrayBuffer>;
  readonly holes: readonly Int32Array<ArrayBuffer>[];
  readonly area: number;
  readonly box: Box;
  /** With lists of numbers for the points, as COCO's `segmentation` has them. */
  toJSON(): { outer: number[]; holes: number[][]; area: number; box: Box };
}

export interface PolygonOptions {
  /** How far an outline may be from the exact one, pixels; 0: not at all. Default: 1. */
  tolerance?: number;
  /** Polygons of fewer pixels are left out, holes of fewer are filled. Default: 0. */
  minArea?: number;
}

/** A picture of a result. */
export type PictureKind =
  | { kind: 'mask' }
  | { kind: 'overlay'; options: OverlayOptions }
  | { kind: 'cutout'; classes: readonly (string | number)[]; background: BackendBackground | undefined };

/** 8-bit pixels, rows from the top: RGBA, not multiplied by alpha. */
export interface BackendPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface BackendSegmentation {
  readonly width: number;
  readonly height: number;
  readonly labels: readonly string[];
  readonly argmax: Int32Array<ArrayBuffer>;
  /** Channels of `probabilities`, ascending. */
  readonly classes: readonly number[];
  readonly probabilities: readonly Float32Array<ArrayBuffer>[];
  readonly info: SegmentationInfo;
  maskPng(signal?: AbortSignal): Promise<Uint8Array>;
  overlayPng(options: OverlayOptions, signal?: AbortSignal): Promise<Uint8Array>;
  rle(label: string | number, signal?: AbortSignal): Promise<Omit<Rle, 'toJSON'>>;
  polygons(label: string | number, options: PolygonOptions, signal?: AbortSignal): Promise<Omit<Polygon, 'toJSON'>[]>;
  cutoutPng(
    classes: readonly (string | number)[],
    background: BackendBackground | undefined,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
  /** A picture's pixels, where they are of use: in browsers. */
  picture?(kind: PictureKind, signal?: AbortSignal): Promise<BackendPicture>;
}

export interface BackendFrameOptions {
  /** Empty: all but background. */
  readonly subject: readonly (string | number)[];
  readonly size: 'model' | 'frame';
  /** 0 … 1. */
  readonly smoothing: number;
  /** Whether an `ImageBitmap` is wanted. */
  readonly bitmap: boolean;
}

/** The mask of a frame, as `FrameResult`. */
export interface BackendFrame {
  readonly width: number;
  readonly height: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly alpha: Uint8ClampedArray<ArrayBuffer>;
  readonly bitmap: Dom<'ImageBitmap'> | undefined;
  readonly timings: { readonly readMs: number; readonly networkMs: number; readonly totalMs: number };
}

export interface BackendModel {
  readonly description: ModelDescription;
  segment(
    image: BackendImage,
    classes: readonly (string | number)[],
    options: BackendSegmentOptions,
  ): BackendCall<BackendSegmentation>;
  /** The fast path for a frame of a video: an object that is an image in itself, or pixels. One call at a time. */
  segmentFrame?(frame: BackendImage, options: BackendFrameOptions): BackendCall<BackendFrame>;
  /** Frees the model once no call uses it. */
  unload(): void;
}

/**
 * Work that goes on somewhere else. `settled` keeps its outcome also after `cancel`, when the work has really ended: who
 * limits how much goes on at a time has to wait for that, who waits for the result hasn't.
 */
export interface BackendCall<T> {
  readonly settled: Promise<T>;
  readonly cancel: () => void;
}

/** A model that is known by name. */
export interface RegisteredModel {
  readonly name: string;
  /** Where it is downloaded from; empty for the embedded model. */
  readonly url: string;
  readonly description: string;
}

/** A file that the cache keeps: a download, or weights that were packed for the native engine. */
export interface CachedModel {
  /** Of the file that it is, or will be. */
  readonly path: string;
  /** Of the registered model whose download it is; otherwise undefined. */
  readonly name: string | undefined;
  /** That are there. */
  readonly bytes: number;
  /** False for an interrupted download, or one that is under way. */
  readonly complete: boolean;
  /** Packed weights (`keepPackedWeights`); they are packed anew when they are gone. */
  readonly packed: boolean;
  /** When it was last loaded or downloaded. */
  readonly lastUsed: Date;
}

/** What to keep when the cache is pruned. */
export interface PruneOptions {
  /** Whole files, those used last first, as long as they fit. */
  maxBytes?: number;
  /** Whole files that were used within this time. */
  maxAgeMs?: number;
}

export interface Backend {
  /** Version of the library that does the work. */
  readonly version: string;
  /** What a `blob:` URL stands for, if anything. */
  resolveBlobUrl(url: string): Promise<Blob | undefined>;
  /** Whether an object is an image in itself: a canvas, a frame of a video. */
  takesObject?(value: object): boolean;
  registeredModels(): readonly RegisteredModel[];
  readableImageFormats(): readonly string[];
  cachedModels(directory: string | undefined): Promise<CachedModel[]>;
  /** Downloads a model unless it is here already; its path. */
  fetchModel(
    source: string,
    directory: string | undefined,
    onProgress: (fraction: number) => void,
  ): BackendCall<string>;
  /** Whether there was one. */
  removeModel(source: string, directory: string | undefined): Promise<boolean>;
  /** What was deleted. */
  pruneCache(options: PruneOptions, directory: string | undefined): Promise<CachedModel[]>;
  load(
    source: BackendModelSource,
    options: BackendLoadOptions,
    onProgress: (fraction: number) => void,
  ): BackendCall<BackendModel>;
}
