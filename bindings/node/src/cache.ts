import type { CachedModel, PruneOptions } from './backend.js';
import { defaultBackend } from './default-backend.js';
import { textOf } from './bytes.js';
import { describeValue, invalidArgument, optionsOf, reporting } from './errors.js';

export interface CacheOptions {
  /** Where downloads are kept; default: `$SILHOUETTE_CACHE`, `$XDG_CACHE_HOME/silhouette` or `~/.cache/silhouette`. */
  cacheDirectory?: string;
}

function directoryOf(options: CacheOptions): string | undefined {
  const cacheDirectory = options.cacheDirectory ?? undefined;
  if (cacheDirectory !== undefined && typeof cacheDirectory !== 'string') {
    throw invalidArgument(`cacheDirectory is ${describeValue(cacheDirectory)}; it must be a path`);
  }
  return cacheDirectory;
}

/** What the cache keeps: downloads and packed weights. Nothing here uses the network; a model that is loaded stays usable. */
export const cache = {
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
      const text = textOf(source);
      if (text === undefined) {
        throw invalidArgument(`what to remove is ${describeValue(source)}; give a constant, URL or path`);
      }
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
