import type { BackendImage, CachedModel, PruneOptions } from '../backend.js';
import type { EngineImage } from './parts.js';

/** Memory that may go from one thread to another: what `postMessage` moves instead of copying. */
export type Movable = ArrayBuffer | object;

/** What a worker's owner hears of it. */
export interface WorkerEvents {
  onMessage: (message: unknown) => void;
  /** It couldn't be started, or ended by itself; nothing is heard of it any more. */
  onFailure: (reason: unknown) => void;
}

/** A thread of JavaScript's with a message queue, which runs `serve` or a part of an engine's threads (`worker-host.ts`). */
export interface WorkerHandle {
  /** Sends a message as `postMessage` does; what `moved` lists is gone here afterwards. */
  post(message: unknown, moved?: readonly Movable[]): void;
  /** Whether something is waited for: an idle worker doesn't keep the process alive, where there are processes. */
  hold(waiting: boolean): void;
  /** Ends it at once, whatever it does. */
  end(): void;
}

/** An image on its way to a worker. */
export interface SentImage {
  /** Pixels, or something of the platform's that its workers make pixels of; may be sent to a worker. */
  readonly image: unknown;
  /** What of it is to be moved there. */
  readonly moved: readonly Movable[];
  /** Size of the upright original, pixels. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds that fetching and decoding took. */
  readonly readMs: number;
  readonly decodeMs: number;
}

/** A line of text as coverage: width × height values, 0 … 255. */
export interface TextCoverage {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array;
}

/** A line of a legend, and how high its text is to be, pixels. */
export interface TextLine {
  readonly text: string;
  readonly pixelHeight: number;
}

/** How a file is read that comes with the package. */
export interface FileRequest {
  /** Hears fractions between 0 and 1, if reading takes its time. */
  readonly onProgress: (fraction: number) => void;
  /** Ends it; the promise then rejects with `CANCELLED`. */
  readonly signal: AbortSignal;
}

/** How a download is made. */
export interface DownloadRequest {
  /** Where downloads are kept, as the caller of the API named it; undefined: the usual place. */
  readonly directory: string | undefined;
  /** 64 hexadecimal digits that the file must have. */
  readonly sha256?: string;
  /** Hears fractions from 0 to 1 that never fall; the last is 1, also for a file that is here already. */
  readonly onProgress: (fraction: number) => void;
  /** Ends it; the promise then rejects with `CANCELLED`. */
  readonly signal: AbortSignal;
}

/** Downloads of models, and what is kept of them. Failures are `SegmentationError`s. */
export interface Downloads {
  /** Downloads a file unless it is here already; where it is kept. */
  fetch(url: string, request: DownloadRequest): Promise<string>;
  /** The same, and its bytes. */
  read(url: string, request: DownloadRequest): Promise<Uint8Array<ArrayBuffer>>;
  list(directory: string | undefined): Promise<CachedModel[]>;
  /** Deletes the download of a URL, or what is kept at a place that `list` names; whether there was a whole one. */
  remove(urlOrPath: string, directory: string | undefined): Promise<boolean>;
  prune(options: PruneOptions, directory: string | undefined): Promise<CachedModel[]>;
}

/** What the wasm backend needs of the place where it runs: Node, a browser. `backend.ts` is the rest of it. */
export interface Platform {
  /** Why models say that they run here: "in WebAssembly, since there is no addon for …". */
  readonly reason: string;
  /** Threads that a call may have: 1 where memory can't be shared. */
  threads(): number;
  /** Bytes that an engine's memory may have. */
  maxMemoryBytes(): number;
  /** Compiles the engine, once for each kind; `threads`: that with shared memory. */
  compile(threads: boolean): Promise<WebAssembly.Module>;
  startWorker(events: WorkerEvents): WorkerHandle;
  /** The file of a model that comes with the package, by its name (`selfie_segmentation.pte`). */
  readEmbeddedModel(file: string, request: FileRequest): Promise<Uint8Array<ArrayBuffer>>;
  /** The whole of a model's URL where texts may be relative ones; other texts as they are. */
  wholeUrl?(source: string): string;
  /** The bytes behind a model source that is neither a registered name nor http(s). */
  readModelFile(source: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Where such a source is, or a model that comes with the package: a path or URL. `FILE_NOT_FOUND` …. */
  placeOfModel(source: string, embedded: boolean): Promise<string>;
  /**
   * Reads and decodes: upright, sRGB. What is in memory of the caller's is copied before this returns. Ends with `CANCELLED`
   * when `signal` aborts. `INVALID_IMAGE`, `UNSUPPORTED_IMAGE` ….
   */
  readImage(image: BackendImage, signal: AbortSignal): Promise<SentImage>;
  /** Whether `readImage` takes an object for an image: a canvas, a frame of a video. */
  takesObject?(value: object): boolean;
  /**
   * A frame of a video on its way to a worker, which is to make it about so many pixels; it stays the caller's. Without this,
   * frames are pixels.
   */
  readFrame?(frame: object, width: number, height: number): Promise<SentImage>;
  /** Names of the image formats that `readImage` decodes. */
  readableImageFormats(): readonly string[];
  /** What a `blob:` URL stands for, if anything. */
  resolveBlobUrl(url: string): Promise<Blob | undefined>;
  readonly downloads: Downloads;
  /** Draws lines of a legend, in the order given; without it, workers do (`WorkerScope.writeText`), or there are none. */
  readonly writeTexts?: ((lines: readonly TextLine[]) => Promise<readonly TextCoverage[]>) | undefined;
}

/** What a worker's side needs of the place where it runs. */
export interface WorkerScope {
  post(message: unknown, moved: readonly Movable[]): void;
  /** The pixels of what {@link Platform.readImage} sent. */
  pixels(image: unknown): EngineImage | Promise<EngineImage>;
  /** Draws a line of a legend, where that can be done at once. */
  readonly writeText?: ((text: string, pixelHeight: number) => TextCoverage) | undefined;
}
