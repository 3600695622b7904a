/** Where a browser keeps bytes for a site: the Cache Storage, and the origin-private file system (OPFS). */
import { messageOf, SegmentationError } from '../errors.js';

/** Named pieces of bytes. What is put is there whole or not at all. */
export interface Medium {
  keys(): Promise<string[]>;
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  delete(key: string): Promise<void>;
}

const CACHE = 'silhouette-models';
const FOLDER = 'silhouette-models';

const nameOf = (error: unknown): unknown => (error as { name?: unknown } | null | undefined)?.name;

/** What isn't there can't be found, and needn't be deleted. */
async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (nameOf(error) === 'NotFoundError') return undefined;
    throw error;
  }
}

/** Of another site's or no site's at all: keys of a Cache Storage are addresses, and this one is nobody's. */
const BASE = 'https://silhouette.invalid/models/';

export class CacheMedium implements Medium {
  readonly #cache: Cache;

  private constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** Undefined where there is none: pages that aren't secure contexts, sandboxed frames. */
  static async open(): Promise<CacheMedium | undefined> {
    const { caches } = globalThis as { caches?: CacheStorage };
    try {
      return caches === undefined ? undefined : new CacheMedium(await caches.open(CACHE));
    } catch {
      return undefined;
    }
  }

  async keys(): Promise<string[]> {
    const requests = await this.#cache.keys();
    return requests.filter(({ url }) => url.startsWith(BASE)).map(({ url }) => url.slice(BASE.length));
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const response = await this.#cache.match(BASE + key);
    return response === undefined ? undefined : new Uint8Array(await response.arrayBuffer());
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(bytes.length) };
    await this.#cache.put(BASE + key, new Response(bytes, { headers }));
  }

  async delete(key: string): Promise<void> {
    await this.#cache.delete(BASE + key);
  }
}

type Directory = FileSystemDirectoryHandle & { keys(): AsyncIterable<string> };

/** Files of a folder; `folder/file` is the only form of key. */
export class FileMedium implements Medium {
  readonly #root: Directory;

  private constructor(root: Directory) {
    this.#root = root;
  }

  /** Undefined where there is none that pages may write to, as in private windows of some browsers. */
  static async open(): Promise<FileMedium | undefined> {
    const { navigator, FileSystemFileHandle } = globalThis as {
      navigator?: { storage?: { getDirectory?: () => Promise<FileSystemDirectoryHandle> } };
      FileSystemFileHandle?: { prototype: object };
    };
    if (FileSystemFileHandle === undefined || !('createWritable' in FileSystemFileHandle.prototype)) return undefined;
    try {
      const top = await navigator?.storage?.getDirectory?.();
      return top === undefined
        ? undefined
        : new FileMedium((await top.getDirectoryHandle(FOLDER, { create: true })) as Directory);
    } catch {
      return undefined;
    }
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const folder of this.#root.keys()) {
      const handle = (await ifThere(this.#root.getDirectoryHandle(folder))) as Directory | undefined;
      if (handle === undefined) continue;
      for await (const file of handle.keys()) keys.push(`${folder}/${file}`);
    }
    return keys;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const [folder, file] = key.split('/') as [string, string];
    const handle = await ifThere(this.#root.getDirectoryHandle(folder));
    const found = handle && (await ifThere(handle.getFileHandle(file)));
    return found && new Uint8Array(await (await found.getFile()).arrayBuffer());
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#write(key, bytes);
    } catch (error) {
      // Chromium says of a full disk at times only that writing failed; the second time it says why.
      if (nameOf(error) !== 'OperationError') throw error;
      await this.#write(key, bytes);
    }
  }

  async #write(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const [folder, file] = key.split('/') as [string, string];
    const handle = await this.#root.getDirectoryHandle(folder, { create: true });
    const writable = await (await handle.getFileHandle(file, { create: true })).createWritable();
    try {
      await writable.write(bytes);
      // Only now the file changes.
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const [folder, file] = key.split('/') as [string, string];
    const handle = await ifThere(this.#root.getDirectoryHandle(folder));
    if (handle === undefined) return;
    await ifThere(handle.removeEntry(file));
    // A folder that still has something in it stays.
    await this.#root.removeEntry(folder).catch(() => undefined);
  }
}

const mega = (bytes: number): string => `${String(Math.ceil(bytes / 1e6))} MB`;

/** How much room a site has, if the browser tells. */
export async function roomLeft(): Promise<number | undefined> {
  const { navigator } = globalThis as { navigator?: { storage?: { estimate?: () => Promise<StorageEstimate> } } };
  try {
    const { quota, usage } = (await navigator?.storage?.estimate?.()) ?? {};
    return quota === undefined || usage === undefined ? undefined : Math.max(0, quota - usage);
  } catch {
    return undefined;
  }
}

/** That the browser has no room for `bytes` more. */
export async function noRoom(name: string, bytes: number, cause?: unknown): Promise<SegmentationError> {
  const left = await roomLeft();
  const there = left === undefined ? '' : `, it has ${mega(left)}`;
  return new SegmentationError(
    'LIMIT_EXCEEDED',
    `the browser has no room to keep '${name}': ${mega(bytes)} more are needed${there}; delete other models with ` +
      'cache.remove or cache.prune, or make room on the disk; private windows have little',
    { cause },
  );
}

/** What callers get to see when a medium fails. */
export async function storageError(
  error: unknown,
  name: string,
  verb: string,
  bytes: number,
): Promise<SegmentationError> {
  if (error instanceof SegmentationError) return error;
  const full = nameOf(error) === 'QuotaExceededError' || (bytes > 0 && ((await roomLeft()) ?? Infinity) < bytes);
  if (full) return noRoom(name, bytes, error);
  return new SegmentationError(
    'IO_ERROR',
    `the browser can't ${verb} '${name}' in what it keeps for this site: ${messageOf(error)}; try again, or clear the site's data`,
    { cause: error },
  );
}
