import { configured, MOST_MEMORY } from '../configure.js';
import { invalidArgument, type SegmentationError } from '../errors.js';
import { throwIfCancelled } from '../wasm/call.js';
import { ModelDownloads } from '../wasm/downloads.js';
import type { Platform } from '../wasm/platform.js';
import { KNOWN_MODELS } from '../wasm/registry.js';
import { cachedName, displaySource } from '../wasm/sources.js';
import { readEmbeddedModel } from './embedded.js';
import { absoluteUrl, modelUrl } from './files.js';
import { readFrame } from './frame.js';
import { isPicture, readableImageFormats, readImage } from './image.js';
import { compileEngine } from './module.js';
import { hasWorkers, startWorker } from './spawn.js';
import { openWebStore } from './store.js';

/** Whether memory can be shared with workers: pages must have asked for isolation, Bun always can. */
function canShareMemory(): boolean {
  // A worker that waits for memory to change can't be ended there, and the process doesn't either.
  if ('Deno' in globalThis) return false;
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer === 'function' && (crossOriginIsolated ?? true);
}

function threads(): number {
  if (!canShareMemory() || !hasWorkers()) return 1;
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  const most = configured().threads ?? Infinity;
  return Math.max(1, Math.min(navigator?.hardwareConcurrency ?? 1, most));
}

const names = new Map(KNOWN_MODELS.map(({ url, name }) => [url === '' ? '' : cachedName(url), name]));

const downloads = new ModelDownloads({
  store: (directory) => {
    if (directory === undefined || directory === '') return openWebStore();
    throw invalidArgument('cacheDirectory: there are no folders in a browser; leave it out');
  },
  modelName: (name) => names.get(name),
});

function noSuchModel(source: string): SegmentationError {
  const known = KNOWN_MODELS.map(({ name }) => name).join(', ');
  return invalidArgument(`'${displaySource(source)}' is neither a URL nor a known model; known are ${known}`);
}

/** The wasm backend's platform in browsers, and in Deno and Bun, which have most of what it needs. */
export const webPlatform: Platform = {
  reason: 'in WebAssembly',
  threads,
  maxMemoryBytes: () => configured().maxMemoryBytes ?? MOST_MEMORY,
  compile: compileEngine,
  startWorker,
  readEmbeddedModel,
  // Relative URLs were made whole before (`wholeUrl`): what is left is no URL.
  readModelFile: (source) => Promise.reject(noSuchModel(source)),
  placeOfModel: (source, embedded) =>
    embedded ? Promise.resolve(modelUrl(source)) : Promise.reject(noSuchModel(source)),
  wholeUrl: (source) => {
    const isPlace = /^[\w-]+-[\da-f]{16}\.pte$/.test(source);
    return !isPlace && /[./]/.test(source) && !/\s/.test(source) ? absoluteUrl(source) : source;
  },
  readImage: async (image, signal) => {
    throwIfCancelled(signal);
    return readImage(image, signal);
  },
  readFrame,
  takesObject: isPicture,
  readableImageFormats,
  resolveBlobUrl: async (url) => {
    try {
      return await (await fetch(url)).blob();
    } catch {
      return undefined;
    }
  },
  downloads,
};
