import type { CachedModel, PruneOptions } from './backend.js';
import { defaultBackend } from './default-backend.js';
import { describeValue, invalidArgument } from './errors.js';
import { resolveResource } from './resource.js';

export interface CacheOptions {
  /** Where downloads are kept; default: `$SILHOUETTE_CACHE`, `$XDG_CACHE_HOME/silhouette` or `~/.cache/silhouette`. */
  cacheDirectory?: string;
}

function directoryOf({ cacheDirectory }: CacheOptions): string | undefined {
  if (cacheDirectory !== undefined && typeof cacheDirectory !== 'string') {
    throw invalidArgument(`cacheDirectory is ${describeValue(cacheDirectory)}; it must be a path`);
  }
  return cacheDirectory;
}

/** What the cache keeps: downloads and packed weights. Nothing here uses the network; a model that is loaded stays usable. */
export const cache = {
  /** All files, by path: whole and interrupted downloads, those under way, packed weights. */
  async list(options: CacheOptions = {}): Promise<CachedModel[]> {
    return defaultBackend.cachedModels(directoryOf(options));
  },

  /** Bytes of all files together. */
  async size(options: CacheOptions = {}): Promise<number> {
    const models = await cache.list(options);
    return models.reduce((sum, model) => sum + model.bytes, 0);
  },

  /**
   * Deletes a model's download, whole or unfinished: a constant of this package, a URL or the path of a file in the cache.
   * Tells whether there was a whole one. Refuses what is no download, and what is being downloaded (`IO_ERROR`).
   */
  async remove(source: string | URL, options: CacheOptions = {}): Promise<boolean> {
    if (typeof source !== 'string' && !(source instanceof URL)) {
      throw invalidArgument(`what to remove is ${describeValue(source)}; give a constant, URL or path`);
    }
    return defaultBackend.removeModel(resolveResource(source).source as string, directoryOf(options));
  },

  /**
   * Deletes interrupted downloads, and whole files that the options don't keep; never a download that is under way. Tells
   * what was deleted.
   */
  async prune(options: PruneOptions & CacheOptions = {}): Promise<CachedModel[]> {
    const directory = directoryOf(options);
    const { maxBytes, maxAgeMs } = options;
    for (const [name, value] of Object.entries({ maxBytes, maxAgeMs })) {
      if (value !== undefined && (typeof value !== 'number' || !(value >= 0))) {
        throw invalidArgument(`${name} is ${describeValue(value)}; it must be a number from 0`);
      }
    }
    return defaultBackend.pruneCache(options, directory);
  },
};
