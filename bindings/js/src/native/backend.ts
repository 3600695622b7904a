import { resolveObjectURL } from 'node:buffer';

import { invalidArgument, messageOf, SegmentationError, type ErrorCode } from '../errors.js';
import type {
  Backend,
  BackendBackground,
  BackendCall,
  BackendImage,
  BackendLoadOptions,
  BackendModel,
  BackendModelSource,
  BackendSegmentation,
  BackendSegmentOptions,
  CachedModel,
  OverlayOptions,
  Polygon,
  PolygonOptions,
  PruneOptions,
  RegisteredModel,
  Rle,
} from '../backend.js';
import { abortableCall } from '../abort.js';
import { ours } from '../typed-arrays.js';
import {
  DONE,
  PROGRESS,
  type Binding,
  type Handle,
  type JobId,
  type NativeCachedModel,
  type NativeModel,
  type NativeSegmentation,
} from './binding.js';
import { certificates } from './certificates.js';
import { loadBinding } from './loader.js';

interface Job {
  resolve: (value: unknown) => void;
  reject: (error: SegmentationError) => void;
  onProgress: ((fraction: number) => void) | undefined;
}

let loaded: Binding | undefined;
const jobs = new Map<JobId, Job>();

/** Called by the addon; it must never throw. */
function dispatch(id: JobId, kind: number, value: unknown, message: string | undefined): void {
  const job = jobs.get(id);
  if (job === undefined) return;
  if (kind === PROGRESS) {
    try {
      job.onProgress?.(value as number);
    } catch (error) {
      // A mistake of the callback's author: it must be seen, and it mustn't spoil the load.
      queueMicrotask(() => {
        throw error;
      });
    }
    return;
  }
  jobs.delete(id);
  if (kind === DONE) job.resolve(value);
  else job.reject(new SegmentationError(value as ErrorCode, message ?? ''));
}

/** Loads the addon at the first use, so that importing the package never fails. */
function binding(): Binding {
  if (loaded === undefined) {
    const addon = loadBinding();
    addon.initialize(dispatch, process.env['SILHOUETTE_COPY_RESULTS'] === '1');
    const { added, fallback } = certificates();
    addon.trust(added, fallback);
    loaded = addon;
  }
  return loaded;
}

function start<T>(begin: (addon: Binding) => JobId, onProgress?: (fraction: number) => void): BackendCall<T> {
  const addon = binding();
  let id: JobId;
  try {
    id = begin(addon);
  } catch (error) {
    // The addon's errors are those of Node's own globals, which needn't be this module's.
    const { name } = error as { name?: unknown };
    if (name === 'TypeError') throw invalidArgument(messageOf(error), { cause: error });
    const memory = messageOf(error).includes('bad_alloc');
    throw new SegmentationError(
      memory ? 'LIMIT_EXCEEDED' : 'INTERNAL',
      memory ? 'there is not enough memory to start the call' : `unexpected failure: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const settled = new Promise<unknown>((resolve, reject) => {
    jobs.set(id, { resolve, reject, onProgress });
  }) as Promise<T>;
  return {
    settled,
    cancel: () => {
      addon.cancel(id);
    },
  };
}

/** A call whose outcome goes through `convert`. */
function map<From, To>(call: BackendCall<From>, convert: (value: From) => To): BackendCall<To> {
  return { settled: call.settled.then(convert), cancel: call.cancel };
}

class Segmentation implements BackendSegmentation {
  readonly width: number;
  readonly height: number;
  readonly labels: readonly string[];
  readonly argmax: Int32Array<ArrayBuffer>;
  readonly classes: readonly number[];
  readonly probabilities: readonly Float32Array<ArrayBuffer>[];
  readonly info: BackendSegmentation['info'];
  readonly #handle: Handle;

  constructor(native: NativeSegmentation) {
    this.width = native.width;
    this.height = native.height;
    this.labels = [...native.labels];
    this.argmax = ours(native.argmax, Int32Array);
    this.classes = [...native.classes];
    this.probabilities = native.probabilities.map((map) => ours(map, Float32Array));
    this.info = native.info;
    this.#handle = native.handle;
  }

  maskPng(signal?: AbortSignal): Promise<Uint8Array> {
    return abortableCall(
      start<Uint8Array>((addon) => addon.maskPng(this.#handle)),
      signal,
    );
  }

  overlayPng(options: OverlayOptions, signal?: AbortSignal): Promise<Uint8Array> {
    return abortableCall(
      start<Uint8Array>((addon) => addon.overlayPng(this.#handle, options)),
      signal,
    );
  }

  rle(label: string | number, signal?: AbortSignal): Promise<Omit<Rle, 'toJSON'>> {
    return abortableCall(
      start<Omit<Rle, 'toJSON'>>((addon) => addon.rle(this.#handle, label)),
      signal,
    );
  }

  polygons(label: string | number, options: PolygonOptions, signal?: AbortSignal): Promise<Omit<Polygon, 'toJSON'>[]> {
    return abortableCall(
      start<Omit<Polygon, 'toJSON'>[]>((addon) => addon.polygons(this.#handle, label, options)),
      signal,
    );
  }

  cutoutPng(
    classes: readonly (string | number)[],
    background: BackendBackground | undefined,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return abortableCall(
      start<Uint8Array>((addon) => addon.cutoutPng(this.#handle, classes, background)),
      signal,
    );
  }
}

class Model implements BackendModel {
  readonly description: BackendModel['description'];
  #handle: Handle | undefined;

  constructor(native: NativeModel) {
    this.description = native.description;
    this.#handle = native.handle;
  }

  segment(
    image: BackendImage,
    classes: readonly (string | number)[],
    options: BackendSegmentOptions,
  ): BackendCall<BackendSegmentation> {
    const handle = this.#handle;
    if (handle === undefined) throw new SegmentationError('MODEL_NOT_LOADED', 'the model was closed; load it again');
    return map(
      start<NativeSegmentation>((addon) => addon.segment(handle, image, classes, options)),
      (native) => new Segmentation(native),
    );
  }

  unload(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) binding().unload(handle);
  }
}

function cachedModels(models: NativeCachedModel[]): CachedModel[] {
  return models.map(({ path, name, bytes, complete, packed, lastUsedMs }) => ({
    path,
    name: name === '' ? undefined : name,
    bytes,
    complete,
    packed,
    lastUsed: new Date(lastUsedMs),
  }));
}

/** Loads the addon if it isn't yet; `ADDON_UNAVAILABLE` where there is none. */
export function loadAddon(): void {
  binding();
}

/** The backend of Node and Electron: the C++ library behind an N-API addon. */
export const nativeBackend: Backend = {
  get version(): string {
    return binding().version;
  },

  async resolveBlobUrl(url: string): Promise<Blob | undefined> {
    const blob = resolveObjectURL(url) as Blob | undefined;
    if (blob !== undefined || typeof fetch !== 'function') return blob;
    // In Electron's renderer, they are the page's.
    try {
      return await (await fetch(url)).blob();
    } catch {
      return undefined;
    }
  },

  registeredModels(): readonly RegisteredModel[] {
    return binding().registeredModels();
  },

  readableImageFormats(): readonly string[] {
    return [...binding().readableImageFormats()];
  },

  async cachedModels(directory: string | undefined): Promise<CachedModel[]> {
    return cachedModels(await start<NativeCachedModel[]>((addon) => addon.cachedModels(directory)).settled);
  },

  fetchModel(
    source: string,
    directory: string | undefined,
    onProgress: (fraction: number) => void,
  ): BackendCall<string> {
    return start<string>((addon) => addon.fetchModel(source, directory), onProgress);
  },

  async removeModel(source: string, directory: string | undefined): Promise<boolean> {
    return start<boolean>((addon) => addon.removeModel(source, directory)).settled;
  },

  async pruneCache(options: PruneOptions, directory: string | undefined): Promise<CachedModel[]> {
    return cachedModels(await start<NativeCachedModel[]>((addon) => addon.pruneCache(options, directory)).settled);
  },

  load(
    source: BackendModelSource,
    options: BackendLoadOptions,
    onProgress: (fraction: number) => void,
  ): BackendCall<BackendModel> {
    return map(
      start<NativeModel>((addon) => addon.load(source, options), onProgress),
      (native) => new Model(native),
    );
  },
};
