import { onAbort } from '../abort.js';
import type { CachedModel } from '../backend.js';
import { join } from '../wasm/png.js';
import { NoStore, type ModelStore, type Part, type PartVersion, type Progress } from '../wasm/store.js';
import { CacheMedium, FileMedium, noRoom, roomLeft, storageError, type Medium } from './media.js';

/** Files up to this size go into the Cache Storage, larger ones into the file system. */
const SMALL_BYTES = 8 * 2 ** 20;

/** Bytes of a piece: as many are lost at most when a page is closed. */
export const PIECE_BYTES = 4 * 2 ** 20;

/** What is known of a file: its pieces are those that are listed, whatever else lies there. */
interface Info {
  readonly format: 1;
  readonly pieces: readonly number[];
  readonly complete: boolean;
  /** Milliseconds since 1970. */
  readonly used: number;
  /** Of an unfinished download that can be resumed, else ''. */
  readonly etag: string;
  readonly total?: number | undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What lies there may be another version's, or anybody's who can run a script on this site. */
function parseInfo(bytes: Uint8Array | undefined): Info | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Record<keyof Info, unknown>> | null;
    const { format, pieces, complete, used, etag, total } = value ?? {};
    const sound =
      format === 1 &&
      Array.isArray(pieces) &&
      pieces.every(isCount) &&
      typeof complete === 'boolean' &&
      isCount(used) &&
      typeof etag === 'string' &&
      (total === undefined || isCount(total));
    return sound ? (value as Info) : undefined;
  } catch {
    return undefined;
  }
}

const infoKey = (name: string): string => `${name}/info`;
const pieceKey = (name: string, i: number): string => `${name}/${String(i)}`;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

async function readInfo(medium: Medium, name: string): Promise<Info | undefined> {
  return parseInfo(await medium.get(infoKey(name)));
}

function writeInfo(medium: Medium, name: string, info: Info): Promise<void> {
  return medium.put(infoKey(name), new TextEncoder().encode(JSON.stringify(info)));
}

/** All pieces in one buffer; undefined if one is missing or has another size. */
async function readPieces(
  medium: Medium,
  name: string,
  pieces: readonly number[],
  behind: readonly Uint8Array[] = [],
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = new Uint8Array(sum(pieces) + sum(behind.map((part) => part.length)));
  let at = 0;
  for (const [i, size] of pieces.entries()) {
    const piece = await medium.get(pieceKey(name, i));
    if (piece?.length !== size) return undefined;
    bytes.set(piece, at);
    at += size;
  }
  for (const part of behind) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function deleteAll(medium: Medium, name: string): Promise<void> {
  // What describes the pieces goes first: without it they are nothing.
  await medium.delete(infoKey(name));
  for (const key of await medium.keys()) if (key.startsWith(`${name}/`)) await medium.delete(key);
}

class WebPart implements Part {
  readonly #media: readonly Medium[];
  readonly #name: string;
  #medium: Medium;
  #pieces: number[] = [];
  /** Bytes that aren't a whole piece yet. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  version: PartVersion | undefined;

  private constructor(media: readonly Medium[], name: string) {
    this.#media = media;
    this.#name = name;
    this.#medium = media[0] as Medium;
  }

  static async open(media: readonly Medium[], name: string): Promise<WebPart> {
    const part = new WebPart(media, name);
    for (const medium of media) {
      const info = await readInfo(medium, name);
      if (info === undefined || info.complete || info.etag === '') continue;
      if (info.total !== undefined && sum(info.pieces) > info.total) continue;
      part.#medium = medium;
      part.#pieces = [...info.pieces];
      part.version = { etag: info.etag, total: info.total };
      return part;
    }
    return part;
  }

  get size(): number {
    return sum(this.#pieces) + this.#pendingBytes;
  }

  async restart(etag: string, total: number | undefined): Promise<void> {
    await this.discard();
    this.#medium = this.#mediumFor(total);
    const left = total === undefined ? undefined : await roomLeft();
    if (total !== undefined && left !== undefined && left < total) throw await noRoom(this.#name, total);
    this.version = etag === '' ? undefined : { etag, total };
  }

  /** The first is for small files, the last for large ones. */
  #mediumFor(total: number | undefined): Medium {
    const small = total !== undefined && total <= SMALL_BYTES;
    return (small ? this.#media[0] : this.#media[this.#media.length - 1]) as Medium;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= PIECE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const piece = join(this.#pending);
    await this.#guard('write', piece.length, async () => {
      await this.#medium.put(pieceKey(this.#name, this.#pieces.length), piece);
      this.#pieces.push(piece.length);
      this.#pending = [];
      this.#pendingBytes = 0;
      await this.#describe(false);
    });
  }

  #describe(complete: boolean): Promise<void> {
    return writeInfo(this.#medium, this.#name, {
      format: 1,
      pieces: this.#pieces,
      complete,
      used: Date.now(),
      etag: this.version?.etag ?? '',
      total: this.version?.total,
    });
  }

  async read(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#guard('read', 0, async () => {
      const bytes = await readPieces(this.#medium, this.#name, this.#pieces, this.#pending);
      if (bytes === undefined) throw new Error('a piece is missing');
      return bytes;
    });
  }

  async commit(): Promise<void> {
    await this.#flush();
    await this.#guard('write', 0, async () => {
      await this.#describe(true);
      for (const medium of this.#media) if (medium !== this.#medium) await deleteAll(medium, this.#name);
    });
  }

  async discard(): Promise<void> {
    this.#pieces = [];
    this.#pending = [];
    this.#pendingBytes = 0;
    this.version = undefined;
    await this.#guard('delete', 0, async () => {
      for (const medium of this.#media) await deleteAll(medium, this.#name);
    });
  }

  async close(): Promise<void> {
    await this.#flush();
  }

  async #guard<T>(verb: string, bytes: number, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw await storageError(error, this.#name, verb, bytes);
    }
  }
}

/** Where there are no Web Locks, calls of this page at least wait for each other. */
const tails = new Map<string, Promise<unknown>>();

async function lockHere<T>(key: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  const before = tails.get(key) ?? Promise.resolve();
  let leave = (): void => undefined;
  const mine = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const tail = before.then(() => mine);
  tails.set(key, tail);
  try {
    await new Promise<void>((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        reject(signal.reason as Error);
      });
      void before.then(() => {
        stopListening();
        resolve();
      });
    });
    return await body();
  } finally {
    leave();
    void tail.then(() => {
      if (tails.get(key) === tail) tails.delete(key);
    });
  }
}

const lockName = (name: string): string => `silhouette ${name}`;

const webLocks = (): LockManager | undefined =>
  (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;

/** Models as pieces in one or two media, the first for small ones. */
export class WebStore implements ModelStore {
  readonly #media: readonly Medium[];

  constructor(media: readonly Medium[]) {
    this.#media = media;
  }

  place(name: string): string {
    return name;
  }

  nameOf(place: string): string | undefined {
    return /^[\w-]+-[\da-f]{16}\.pte$/.test(place) ? place : undefined;
  }

  async #complete(name: string): Promise<{ medium: Medium; info: Info } | undefined> {
    for (const medium of this.#media) {
      const info = await readInfo(medium, name);
      if (info?.complete) return { medium, info };
    }
    return undefined;
  }

  async has(name: string): Promise<boolean> {
    return (await this.#complete(name)) !== undefined;
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const found = await this.#complete(name);
    if (found === undefined) return undefined;
    const { medium, info } = found;
    const bytes = await readPieces(medium, name, info.pieces);
    // A store that can't be written to is used all the same.
    if (bytes !== undefined) await writeInfo(medium, name, { ...info, used: Date.now() }).catch(() => undefined);
    return bytes;
  }

  open(name: string): Promise<Part> {
    return WebPart.open(this.#media, name);
  }

  async progress(name: string): Promise<Progress | undefined> {
    for (const medium of this.#media) {
      const info = await readInfo(medium, name);
      if (info !== undefined) return { received: sum(info.pieces), total: info.total };
    }
    return undefined;
  }

  lock<T>(name: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    const locks = webLocks();
    if (locks === undefined) return lockHere(lockName(name), signal, body);
    return locks.request(lockName(name), { signal }, body) as Promise<T>;
  }

  tryLock<T>(name: string, body: () => Promise<T>): Promise<T | undefined> {
    const locks = webLocks();
    if (locks === undefined) {
      if (tails.has(lockName(name))) return Promise.resolve(undefined);
      return lockHere(lockName(name), new AbortController().signal, body);
    }
    return locks.request(lockName(name), { ifAvailable: true }, (lock) =>
      lock === null ? Promise.resolve(undefined) : body(),
    ) as Promise<T | undefined>;
  }

  async list(): Promise<CachedModel[]> {
    const models = new Map<string, CachedModel>();
    for (const medium of this.#media) {
      const names = new Set((await medium.keys()).map((key) => key.replace(/\/.*$/, '')));
      for (const name of names) {
        if (this.nameOf(name) === undefined) continue;
        const info = await readInfo(medium, name);
        const model: CachedModel = {
          path: name,
          name: undefined,
          bytes: sum(info?.pieces ?? []),
          complete: info?.complete ?? false,
          packed: false,
          lastUsed: new Date(info?.used ?? 0),
        };
        if (models.get(name)?.complete !== true) models.set(name, model);
      }
    }
    return [...models.values()];
  }

  async delete(name: string): Promise<boolean> {
    const whole = await this.has(name);
    try {
      for (const medium of this.#media) await deleteAll(medium, name);
    } catch (error) {
      throw await storageError(error, name, 'delete', 0);
    }
    return whole;
  }
}

let opened: Promise<ModelStore> | undefined;

async function openMedia(): Promise<ModelStore> {
  const media = [await CacheMedium.open(), await FileMedium.open()].filter((medium) => medium !== undefined);
  return media.length === 0 ? new NoStore() : new WebStore(media);
}

/** What this site keeps models in; nothing, where the browser keeps nothing for it. */
export function openWebStore(): Promise<ModelStore> {
  opened ??= openMedia();
  return opened;
}
