import { abortableCall, signalOf, throwIfAborted } from './abort.js';
import type { CachedModel, PruneOptions } from './backend.js';
import { defaultBackend } from './default-backend.js';
import { textOf } from './bytes.js';
import { describeValue, invalidArgument, optionsOf, progressOf, reporting } from './errors.js';

export interface CacheOptions {
  /** Where downloads are kept; default: `$SILHOUETTE_CACHE`, `$XDG_CACHE_HOME/silhouette` or `~/.cache/silhouette`. */
  cacheDirectory?: string;
}

export interface FetchOptions extends CacheOptions {
  /** Hears fractions from 0 to 1 that never fall. */
  onProgress?: (fraction: number) => void;
  /** Cancels the download; the promise rejects with the signal's reason at once. */
  signal?: AbortSignal | null;
}

function directoryOf(options: CacheOptions): string | undefined {
  const cacheDirectory = options.cacheDirectory ?? undefined;
  if (cacheDirectory !== undefined && typeof cacheDirectory !== 'string') {
    throw invalidArgument(`cacheDirectory is ${describeValue(cacheDirectory)}; it must be a path`);
  }
  return cacheDirectory;
}

function nameOf(source: unknown, what: string): string {
  const text = textOf(source);
  if (text === undefined) throw invalidArgument(`${what} is ${describeValue(source)}; give a constant, URL or path`);
  return text;
}

/** What the cache keeps: downloads and packed weights. Only `fetch` uses the network; a model that is loaded stays usable. */
export const cache = {
  /**
   * Downloads a model unless it is here already, without loading it, and gives its path: a constant of this package or a
   * URL; of a path, the path.
   */
  fetch(source: string | URL, options: FetchOptions | null = {}): Promise<string> {
    return reporting(async () => {
      const { onProgress, signal, ...read } = optionsOf(options, 'cache.fetch');
      const checked = signalOf(signal);
      const tell = progressOf(onProgress);
      throwIfAborted(checked);
      let ended = false;
      const call = defaultBackend.fetchModel(nameOf(source, 'what to fetch'), directoryOf(read), (fraction) => {
        if (!ended) tell?.(fraction);
      });
      try {
        return await abortableCall(call, checked);
      } finally {
        ended = true;
      }
    });
  },

  /** All files, by path: whole and interrupted downloads, those under way, packed weights. */
  list(options: CacheOptions | null = {}): Promise<CachedModel[]> {
    return reporting(async () => defaultBackend.cachedModels(directoryOf(optionsOf(options, 'cache.list'))));
  },

  /** Bytes of all files together. */
  async size(options: CacheOptions | null = {}): Promise<number> {
    const models = await cache.list(options);
    return models.reduce((sum, model) => sum + model.bytes, 0);
  },

  /**
   * Deletes a model's download, whole or unfinished: a constant of this package, a URL or the path of a file in the cache.
   * Tells whether there was a whole one. Refuses what is no download, and what is being downloaded (`IO_ERROR`).
   */
  remove(source: string | URL, options: CacheOptions | null = {}): Promise<boolean> {
    return reporting(async () => {
      const text = nameOf(source, 'what to remove');
      return defaultBackend.removeModel(text, directoryOf(optionsOf(options, 'cache.remove')));
    });
  },

  /**
   * Deletes interrupted downloads, and whole files that the options don't keep; never a download that is under way. Tells
   * what was deleted.
   */
  prune(options: (PruneOptions & CacheOptions) | null = {}): Promise<CachedModel[]> {
    return reporting(async () => {
      const read = optionsOf(options, 'cache.prune');
      const directory = directoryOf(read);
      const { maxBytes, maxAgeMs } = read;
      const checked: PruneOptions = {};
      for (const [name, value] of Object.entries({ maxBytes, maxAgeMs }) as [keyof PruneOptions, unknown][]) {
        if (value === undefined || value === null) continue;
        if (typeof value !== 'number' || !(value >= 0)) {
          throw invalidArgument(`${name} is ${describeValue(value)}; it must be a number from 0`);
        }
        checked[name] = value;
      }
      return defaultBackend.pruneCache(checked, directory);
    });
  },
};
