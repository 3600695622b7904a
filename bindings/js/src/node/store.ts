import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

import { onAbort } from '../abort.js';
import type { CachedModel } from '../backend.js';
import { invalidArgument, messageOf, SegmentationError } from '../errors.js';
import type { ModelStore, Part, PartVersion, Progress } from '../wasm/store.js';
import { MODEL_LIMITS, type DownloadLimits } from '../wasm/transfer.js';

/** Whole files are the native library's too; what is on its way isn't, since locks differ. */
const PART = '.js.part';
const INFO = '.js.part.info';
const LOCK = '.js.lock';
const FORMAT = 'silhouette partial download 1';

/** How often the holder of a lock shows that it lives, how often others look, and after what silence it is held for dead. */
const BEAT_MS = 2_000;
const LOOK_MS = 100;
const SILENT_MS = 30_000;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no room on the disk; make room or ',
  EDQUOT: 'the quota is used up; make room or ',
  EFBIG: 'the file system takes no file so large; ',
};

function storeError(verb: string, path: string, error: unknown): SegmentationError {
  if (error instanceof SegmentationError) return error;
  const full = MEANINGS[codeOf(error) ?? ''];
  return new SegmentationError(
    full === undefined ? 'IO_ERROR' : 'LIMIT_EXCEEDED',
    `can't ${verb} '${path}': ${full ?? `${messageOf(error)}; `}choose another cache directory with $SILHOUETTE_CACHE or the ` +
      'cacheDirectory option',
    { cause: error },
  );
}

async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Where downloads are kept, by the rules of the native library: `chosen`, $SILHOUETTE_CACHE, $XDG_CACHE_HOME, the home folder. */
export function cacheDirectory(chosen: string | undefined): string {
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const { SILHOUETTE_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  if (own) return resolve(own);
  // The XDG Base Directory Specification says to ignore relative paths.
  if (shared && isAbsolute(shared)) return join(shared, 'silhouette');
  const home = homedir();
  if (home !== '') return join(home, '.cache', 'silhouette');
  throw invalidArgument('there is no home directory to keep downloads in; set $SILHOUETTE_CACHE');
}

function numberIn(variable: string): number | undefined {
  const text = process.env[variable] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The limits of a model's download, as the environment has them. */
export function modelLimits(): DownloadLimits {
  const seconds = numberIn('SILHOUETTE_DOWNLOAD_TIMEOUT');
  const most = numberIn('SILHOUETTE_DOWNLOAD_RETRIES');
  return {
    ...MODEL_LIMITS,
    leastRate: numberIn('SILHOUETTE_DOWNLOAD_RATE') ?? MODEL_LIMITS.leastRate,
    longestMs: seconds === undefined ? MODEL_LIMITS.longestMs : seconds * 1000,
    retries: Math.min(most ?? MODEL_LIMITS.retries, MODEL_LIMITS.retries),
  };
}

async function readInfo(target: string): Promise<PartVersion | undefined> {
  const text = await ifThere(readFile(target + INFO, 'utf8')).catch(() => undefined);
  const [format, etag, total, end] = text?.split('\n') ?? [];
  if (format !== FORMAT || etag === undefined || etag === '' || total === undefined || end === undefined)
    return undefined;
  if (!/^\d{0,15}$/.test(total)) return undefined;
  return { etag, total: total === '' ? undefined : Number(total) };
}

class FilePart implements Part {
  readonly #target: string;
  readonly #file: FileHandle;
  size: number;
  version: PartVersion | undefined;

  private constructor(target: string, file: FileHandle, size: number, version: PartVersion | undefined) {
    this.#target = target;
    this.#file = file;
    this.size = size;
    this.version = version;
  }

  static async open(target: string): Promise<FilePart> {
    const { O_RDWR, O_CREAT, O_APPEND } = constants;
    // Not there on Windows.
    const { O_NOFOLLOW = 0 } = constants as { O_NOFOLLOW?: number };
    try {
      await mkdir(dirname(target), { recursive: true });
      const file = await open(target + PART, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o666);
      const { size } = await file.stat();
      const version = await readInfo(target);
      const part = new FilePart(target, file, size, version);
      if (size > 0 && (version === undefined || size > (version.total ?? Infinity))) await part.restart('', undefined);
      return part;
    } catch (error) {
      throw storeError('write', target, error);
    }
  }

  async restart(etag: string, total: number | undefined): Promise<void> {
    try {
      // The description of other bytes goes before they come.
      await rm(this.#target + INFO, { force: true });
      await this.#file.truncate(0);
      this.size = 0;
      this.version = etag === '' ? undefined : { etag, total };
      if (this.version === undefined) return;
      const info = await open(this.#target + INFO, 'w');
      await info.writeFile(`${FORMAT}\n${etag}\n${total === undefined ? '' : String(total)}\n`);
      await info.close();
    } catch (error) {
      throw storeError('write', this.#target, error);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(bytes);
      this.size += bytes.length;
    } catch (error) {
      throw storeError('write', this.#target, error);
    }
  }

  async read(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(this.size);
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, at);
        if (bytesRead === 0) throw new Error('it was cut short');
        at += bytesRead;
      }
    } catch (error) {
      throw storeError('read', this.#target, error);
    }
    return bytes;
  }

  async commit(): Promise<void> {
    try {
      await this.#file.sync();
      await this.#file.close();
      // The native library maps such files: nobody may write to them by mistake.
      if (process.platform !== 'win32') await chmod(this.#target + PART, 0o444);
      await rename(this.#target + PART, this.#target);
      await rm(this.#target + INFO, { force: true });
    } catch (error) {
      throw storeError('write', this.#target, error);
    }
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#target + PART, { force: true });
    await rm(this.#target + INFO, { force: true });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A lock file that its holder keeps young. Whoever finds one that is old, or whose process is gone, takes it away. */
class FileLock {
  readonly #path: string;
  readonly #token = `${String(process.pid)} ${hostname()} ${randomUUID()}\n`;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: string) {
    this.#path = target + LOCK;
  }

  async take(): Promise<boolean> {
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const file = await open(this.#path, 'wx');
      await file.writeFile(this.#token);
      await file.close();
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw storeError('lock', this.#path, error);
      await this.#breakIfDead();
      return false;
    }
    this.#timer = setInterval(() => {
      const now = new Date();
      utimes(this.#path, now, now).catch(() => undefined);
    }, BEAT_MS).unref();
    return true;
  }

  async #breakIfDead(): Promise<void> {
    const found = await ifThere(stat(this.#path)).catch(() => undefined);
    const text = await ifThere(readFile(this.#path, 'utf8')).catch(() => undefined);
    if (found === undefined || text === undefined) return;
    const [pid, host] = text.split(' ');
    const silent = Date.now() - found.mtimeMs > SILENT_MS;
    if (!silent && !(host === hostname() && isGone(Number(pid)))) return;
    // Of several who find it one moves it away; who moved a younger one by mistake puts it back.
    const aside = `${this.#path}.${randomUUID()}`;
    if ((await ifThere(rename(this.#path, aside).then(() => true)).catch(() => undefined)) !== true) return;
    if ((await readFile(aside, 'utf8').catch(() => text)) === text) await rm(aside, { force: true });
    else await rename(aside, this.#path).catch(() => undefined);
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    const text = await ifThere(readFile(this.#path, 'utf8')).catch(() => undefined);
    if (text === this.#token) await rm(this.#path, { force: true }).catch(() => undefined);
  }
}

function isGone(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Resolves after a time, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopListening();
      done();
    };
    const timer = setTimeout(finish, ms);
    const stopListening = onAbort(signal, finish);
  });
}

/** Models in a folder, whole ones as the native library keeps them: each finds what the other downloaded. */
export class FileStore implements ModelStore {
  readonly #folder: string;

  constructor(directory: string) {
    this.#folder = join(directory, 'models');
  }

  place(name: string): string {
    return join(this.#folder, name);
  }

  nameOf(place: string): string | undefined {
    const path = resolve(place);
    return dirname(path) === resolve(this.#folder) && path.endsWith('.pte') ? basename(path) : undefined;
  }

  async has(name: string): Promise<boolean> {
    const found = await ifThere(stat(this.place(name))).catch(() => undefined);
    return found?.isFile() === true;
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = this.place(name);
    try {
      const file = await ifThere(open(path, 'r'));
      if (file === undefined) return undefined;
      try {
        const { size, mtime } = await file.stat();
        if (size > MODEL_LIMITS.maxBytes) {
          throw new SegmentationError(
            'LIMIT_EXCEEDED',
            `'${path}' has ${String(size)} bytes, more than a model may have here`,
          );
        }
        const bytes = new Uint8Array(await file.readFile());
        // The time of the last access tells what a cache can do without. One that can't be written is used all the same.
        await utimes(path, new Date(), mtime).catch(() => undefined);
        return bytes;
      } finally {
        await file.close();
      }
    } catch (error) {
      throw storeError('read', path, error);
    }
  }

  open(name: string): Promise<Part> {
    return FilePart.open(this.place(name));
  }

  async progress(name: string): Promise<Progress | undefined> {
    const part = await ifThere(stat(this.place(name) + PART));
    const version = await readInfo(this.place(name));
    return part && { received: part.size, total: version?.total };
  }

  async lock<T>(name: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    const lock = new FileLock(this.place(name));
    while (!(await lock.take())) {
      await pause(LOOK_MS, signal);
      if (signal.aborted) throw new SegmentationError('CANCELLED', `waiting for '${this.place(name)}' was cancelled`);
    }
    return runUnder(lock, body);
  }

  async tryLock<T>(name: string, body: () => Promise<T>): Promise<T | undefined> {
    // Where nothing was ever kept, there is nothing to lock.
    if ((await ifThere(stat(this.#folder))) === undefined) return body();
    const lock = new FileLock(this.place(name));
    // The first try may find what a dead process left.
    if (!(await lock.take()) && !(await lock.take())) return undefined;
    return runUnder(lock, body);
  }

  async list(): Promise<CachedModel[]> {
    const models = new Map<string, CachedModel>();
    for (const file of (await ifThere(readdir(this.#folder))) ?? []) {
      const suffix = [INFO, PART, ''].find((end) => file.endsWith(end)) ?? '';
      const name = file.slice(0, file.length - suffix.length);
      const found = await ifThere(stat(join(this.#folder, file)));
      if (!name.endsWith('.pte') || found?.isFile() !== true) continue;
      const before = models.get(name);
      const used = Math.max(found.atimeMs, found.mtimeMs, before?.lastUsed.getTime() ?? 0);
      models.set(name, {
        path: this.place(name),
        name: undefined,
        bytes: found.size + (before?.bytes ?? 0),
        complete: suffix === '' || before?.complete === true,
        packed: false,
        lastUsed: new Date(used),
      });
    }
    return [...models.values()];
  }

  async delete(name: string): Promise<boolean> {
    const whole = await this.has(name);
    try {
      for (const suffix of [INFO, PART, '']) await rm(this.place(name) + suffix, { force: true });
    } catch (error) {
      throw storeError('delete', this.place(name), error);
    }
    return whole;
  }
}

async function runUnder<T>(lock: FileLock, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await lock.leave();
  }
}

/** The store of a cache directory, as callers of the API name it. */
export function openFileStore(directory: string | undefined): Promise<ModelStore> {
  return Promise.resolve(new FileStore(cacheDirectory(directory)));
}
