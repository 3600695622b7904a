import type {
  BackendBackground,
  BackendImage,
  BackendLoadOptions,
  BackendModelSource,
  BackendSegmentOptions,
  ModelDescription,
  OverlayOptions,
  PolygonOptions,
  PruneOptions,
  RegisteredModel,
  SegmentationInfo,
} from '../backend.js';

/** Something of the addon's that is only ever handed back to it. */
export type Handle = object;

/** Number of a job; its events come to the `dispatch` given to `initialize`. */
export type JobId = number;

export interface NativeModel {
  handle: Handle;
  description: ModelDescription;
}

/** `name` is empty for all but downloads of registered models. */
export interface NativeCachedModel {
  path: string;
  name: string;
  bytes: number;
  complete: boolean;
  packed: boolean;
  lastUsedMs: number;
}

export interface NativeSegmentation {
  handle: Handle;
  width: number;
  height: number;
  labels: string[];
  argmax: Int32Array<ArrayBuffer>;
  classes: number[];
  probabilities: Float32Array<ArrayBuffer>[];
  info: SegmentationInfo;
}

/** Kinds of events, as in `JobQueue::EventKind`. */
export const PROGRESS = 0;
export const DONE = 1;
export const FAILED = 2;

export type Dispatch = (job: JobId, kind: number, value: unknown, message: string | undefined) => void;

/** The functions of `silhouette.node`, one to one. They check types only; what values mean is checked above and below. */
export interface Binding {
  readonly version: string;
  initialize(dispatch: Dispatch, copyResults: boolean): void;
  trust(added: string, fallback: string): void;
  registeredModels(): RegisteredModel[];
  readableImageFormats(): string[];
  load(source: BackendModelSource, options: BackendLoadOptions): JobId;
  segment(
    model: Handle,
    image: BackendImage,
    classes: readonly (string | number)[],
    options: BackendSegmentOptions,
  ): JobId;
  unload(model: Handle): void;
  maskPng(segmentation: Handle): JobId;
  overlayPng(segmentation: Handle, options: OverlayOptions): JobId;
  cutoutPng(
    segmentation: Handle,
    classes: readonly (string | number)[],
    background: BackendBackground | undefined,
  ): JobId;
  rle(segmentation: Handle, label: string | number): JobId;
  polygons(segmentation: Handle, label: string | number, options: PolygonOptions): JobId;
  cachedModels(directory: string | undefined): JobId;
  fetchModel(source: string, directory: string | undefined): JobId;
  removeModel(source: string, directory: string | undefined): JobId;
  pruneCache(options: PruneOptions, directory: string | undefined): JobId;
  cancel(job: JobId): void;
}
