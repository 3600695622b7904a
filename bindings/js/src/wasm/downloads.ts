import { onAbort } from '../abort.js';
import type { CachedModel, PruneOptions } from '../backend.js';
import { invalidArgument, messageOf, publicError, SegmentationError } from '../errors.js';
import type { Downloads, DownloadRequest } from './platform.js';
import { sha256 } from './sha256.js';
import { cachedName, displaySource, isHttpUrl } from './sources.js';
import { MemoryPart, type ModelStore, type Part } from './store.js';
import {
  cancelled,
  downloadError,
  IMAGE_LIMITS,
  MODEL_LIMITS,
  transfer,
  TransferFailure,
  type BodySink,
  type DownloadLimits,
  type ResponseHead,
} from './transfer.js';

/** An attempt that brings a download on by so much makes up for a failed one. */
const PROGRESS_BYTES = 2 ** 20;

/** How often a download that somebody else makes is looked at. */
const LOOK_MS = 250;

/** Lets through what a caller's progress may see: rising fractions, and 1 only when all is done. */
class Fractions {
  readonly #tell: (fraction: number) => void;
  #last = 0;

  constructor(tell: (fraction: number) => void) {
    this.#tell = tell;
    tell(0);
  }

  bytes(received: number, total: number | undefined): void {
    const fraction = total === undefined || total === 0 ? 0 : received / total;
    if (fraction <= this.#last || fraction >= 1) return;
    this.#last = fraction;
    this.#tell(fraction);
  }

  done(): void {
    this.#tell(1);
  }
}

/** A function, since it may change between two looks. */
const hasEnded = (signal: AbortSignal): boolean => signal.aborted;

/** Resolves after a time; rejects as soon as `signal` aborts. */
function pause(ms: number, url: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopListening();
      resolve();
    }, ms);
    const stopListening = onAbort(signal, () => {
      clearTimeout(timer);
      reject(cancelled(url));
    });
  });
}

/** That the server goes on with another file than what is here is the beginning of. */
class Mismatch extends Error {}

class PartSink implements BodySink {
  readonly #url: string;
  readonly #part: Part;
  readonly #fractions: Fractions | undefined;
  head: ResponseHead | undefined;

  constructor(url: string, part: Part, fractions?: Fractions) {
    this.#url = url;
    this.#part = part;
    this.#fractions = fractions;
  }

  async begin(head: ResponseHead): Promise<void> {
    this.head = head;
    if (!head.partial) {
      // What is compressed on the way has other bytes than those that a range counts.
      await this.#part.restart(head.encoded ? '' : head.etag, head.total);
      return;
    }
    const { version, size } = this.#part;
    const total = version?.total ?? head.total;
    const continues =
      version !== undefined &&
      !head.encoded &&
      head.start === size &&
      head.etag === version.etag &&
      (head.total === undefined || head.total === total);
    if (!continues) throw new Mismatch();
    this.#fractions?.bytes(size, head.total);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#part.append(bytes);
    this.#fractions?.bytes(this.#part.size, this.head?.total);
  }

  /** Whether as many bytes came as were announced. */
  check(): void {
    const { total, guessed } = this.head as ResponseHead;
    const { size } = this.#part;
    if (total === undefined || size === total || (guessed && size > total)) return;
    const what = `ended after ${String(size)} of ${String(total)} bytes`;
    throw new TransferFailure(downloadError(this.#url, what), 'temporary');
  }
}

/** Whether a URL is of another site than the page is. */
function isForeign(url: string): boolean {
  const { location } = globalThis as { location?: { origin?: string } };
  return location?.origin !== undefined && new URL(url).origin !== location.origin;
}

/**
 * Asks for what is missing, or for the whole if the server has another version by now. Browsers would have to ask other sites' servers
 * first whether they like `If-Range`: there the answer's ETag alone tells.
 */
function rangeOf(url: string, from: number, etag: string): Record<string, string> {
  return { Range: `bytes=${String(from)}-`, ...(!isForeign(url) && { 'If-Range': etag }) };
}

/** One attempt: goes on with what is there, if that is of the version that the server has. */
async function complete(
  url: string,
  part: Part,
  resume: boolean,
  limits: DownloadLimits,
  fractions: Fractions | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { size, version } = part;
  const resuming = resume && size > 0 && version !== undefined;
  if (resuming && version.total === size) return;
  const sink = new PartSink(url, part, fractions);
  try {
    await transfer(url, resuming ? rangeOf(url, size, version.etag) : {}, limits, sink, signal);
    sink.check();
  } catch (error) {
    const stale = error instanceof Mismatch || (error instanceof TransferFailure && error.status === 416);
    if (!resuming || !stale) throw error;
    await part.restart('', undefined);
    await complete(url, part, false, limits, fractions, signal);
  }
}

function backoff({ firstDelayMs, maxDelayMs }: DownloadLimits, failures: number): number {
  const longest = Math.min(firstDelayMs * 2 ** Math.min(failures, 20), maxDelayMs);
  return longest - Math.random() * (longest / 2);
}

function withNote(error: SegmentationError, note: string): SegmentationError {
  return new SegmentationError(error.code, `${error.message} (${note})`, { cause: error });
}

/** All attempts: until the part is whole, or there is no point in another one. */
async function completeWithRetries(
  url: string,
  part: Part,
  limits: DownloadLimits,
  fractions: Fractions | undefined,
  signal: AbortSignal,
): Promise<void> {
  const deadline = limits.longestMs > 0 ? performance.now() + limits.longestMs : Infinity;
  const atFirst = part.size;
  let best = atFirst;
  let failures = 0;
  let resume = true;
  for (let attempts = 1; ; ++attempts) {
    try {
      await complete(url, part, resume, limits, fractions, signal);
      return;
    } catch (error) {
      if (!(error instanceof TransferFailure)) throw error;
      if (part.size >= best + PROGRESS_BYTES) {
        best = part.size;
        failures = 0;
      }
      // A server that doesn't let other sites ask for ranges answers nothing: what is here is kept until it sends the whole.
      resume = !(resume && part.size > 0 && error.kind === 'unreachable' && error.status === 0);
      const temporary = error.kind === 'temporary' || (error.kind === 'unreachable' && (best > atFirst || !resume));
      const known = attempts > 1 ? withNote(error.error, `${String(attempts)} attempts`) : error.error;
      if (!temporary || failures >= limits.retries) throw known;
      if (error.retryAfterMs > limits.maxRetryAfterMs) {
        throw withNote(known, `the server asks to wait ${String(Math.round(error.retryAfterMs / 1000))} s`);
      }
      const wait = Math.max(backoff(limits, failures), error.retryAfterMs);
      if (performance.now() + wait >= deadline) throw withNote(known, 'no time is left for another attempt');
      await pause(wait, url, signal);
      ++failures;
    }
  }
}

/** The bytes behind a URL, kept nowhere: of an image. */
export async function fetchBytes(
  url: string,
  signal: AbortSignal,
  limits: DownloadLimits = IMAGE_LIMITS,
): Promise<Uint8Array<ArrayBuffer>> {
  const part = new MemoryPart();
  await completeWithRetries(url, part, limits, undefined, signal);
  return part.read();
}

/** Whether a file starts as HTML, XML, JSON and the pointers of Git LFS do. A model may start with any character of these. */
const isText = (start: string): boolean => /^\s*(<[!?a-z]|\{\s*["}]|version https)/i.test(start);

/** What isn't a model for certain: a page that a login or a missing file is answered with would be kept forever. */
function checkModel(url: string, bytes: Uint8Array): void {
  const start = String.fromCharCode(...bytes.subarray(0, 16)).replace(/[^ -~]/g, '.');
  if (bytes.length > 0 && !isText(start)) return;
  throw new SegmentationError(
    'INVALID_MODEL',
    `'${displaySource(url)}' is no model file (what the server sent has ${String(bytes.length)} bytes and starts with ` +
      `'${start}'); check the address`,
  );
}

async function checkContent(url: string, bytes: Uint8Array<ArrayBuffer>, wanted: string | undefined): Promise<void> {
  checkModel(url, bytes);
  if (wanted === undefined) return;
  const found = await sha256(bytes);
  if (found === wanted.toLowerCase()) return;
  throw downloadError(url, `its SHA-256 is ${found} instead of ${wanted}; the file was deleted`);
}

export interface DownloadSettings {
  /** The store that a directory's name stands for. */
  readonly store: (directory: string | undefined) => Promise<ModelStore>;
  readonly limits?: DownloadLimits;
  /** Where a URL's file is really asked for: at a mirror. */
  readonly address?: (url: string) => string;
  /** The registered model whose download has this name in the cache. */
  readonly modelName?: (name: string) => string | undefined;
}

/** Downloads of models into a store. */
export class ModelDownloads implements Downloads {
  readonly #settings: DownloadSettings;
  readonly #limits: DownloadLimits;

  constructor(settings: DownloadSettings) {
    this.#settings = settings;
    this.#limits = settings.limits ?? MODEL_LIMITS;
  }

  async fetch(url: string, request: DownloadRequest): Promise<string> {
    const store = await this.#settings.store(request.directory);
    await this.#ensure(store, url, request, request.sha256 !== undefined);
    return store.place(cachedName(url));
  }

  async read(url: string, request: DownloadRequest): Promise<Uint8Array<ArrayBuffer>> {
    const store = await this.#settings.store(request.directory);
    return (await this.#ensure(store, url, request, true)) as Uint8Array<ArrayBuffer>;
  }

  /** Sees to it that the file is here; its bytes, if they are wanted. */
  async #ensure(
    store: ModelStore,
    url: string,
    request: DownloadRequest,
    wanted: boolean,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { signal } = request;
    if (hasEnded(signal)) throw cancelled(url);
    const name = cachedName(url);
    const fractions = new Fractions(request.onProgress);
    const here = async (): Promise<{ bytes: Uint8Array<ArrayBuffer> | undefined } | undefined> => {
      if (!wanted) return (await store.has(name)) ? { bytes: undefined } : undefined;
      const bytes = await store.read(name);
      if (bytes === undefined) return undefined;
      const right = request.sha256 === undefined || (await sha256(bytes)) === request.sha256.toLowerCase();
      return right ? { bytes } : undefined;
    };
    let found = await here();
    if (found === undefined) {
      const stop = this.#watch(store, name, fractions);
      try {
        found = await store.lock(name, signal, async () => {
          stop();
          return (await here()) ?? { bytes: await this.#download(store, url, request, fractions) };
        });
      } catch (error) {
        throw hasEnded(signal) ? cancelled(url) : error;
      } finally {
        stop();
      }
    }
    if (hasEnded(signal)) throw cancelled(url);
    fractions.done();
    return found.bytes;
  }

  /** Tells how far somebody else's download is, while their lock is waited for. */
  #watch(store: ModelStore, name: string, fractions: Fractions): () => void {
    let stopped = false;
    const timer = setInterval(() => {
      store.progress(name).then(
        (progress) => {
          if (progress !== undefined && !stopped) fractions.bytes(progress.received, progress.total);
        },
        () => undefined,
      );
    }, LOOK_MS);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }

  async #download(
    store: ModelStore,
    url: string,
    request: DownloadRequest,
    fractions: Fractions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const address = this.#settings.address?.(url) ?? url;
    const part = await store.open(cachedName(url));
    try {
      for (;;) {
        const resumed = part.size > 0;
        await completeWithRetries(address, part, this.#limits, fractions, request.signal);
        const bytes = await part.read();
        try {
          await checkContent(address, bytes, request.sha256);
        } catch (error) {
          if (!resumed) {
            await part.discard();
            throw error;
          }
          // What an earlier attempt left may be at fault: once from the start then.
          await part.restart('', undefined);
          continue;
        }
        await part.commit();
        return bytes;
      }
    } catch (error) {
      await this.#leave(part, error);
      if (error instanceof SegmentationError) throw error;
      throw (error as { name?: unknown } | null)?.name === 'RangeError'
        ? publicError(error)
        : downloadError(address, messageOf(error), 'INTERNAL');
    }
  }

  /** What can't be resumed, or must not be, is of no use. */
  async #leave(part: Part, error: unknown): Promise<void> {
    const useless =
      part.version === undefined || (error instanceof SegmentationError && error.code === 'LIMIT_EXCEEDED');
    try {
      await (useless ? part.discard() : part.close());
    } catch {
      // What went wrong first tells more.
    }
  }

  async list(directory: string | undefined): Promise<CachedModel[]> {
    const store = await this.#settings.store(directory);
    const models = await store.list();
    return models
      .map((model) => {
        const name = store.nameOf(model.path);
        return { ...model, name: name === undefined ? undefined : this.#settings.modelName?.(name) };
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async remove(urlOrPath: string, directory: string | undefined): Promise<boolean> {
    const store = await this.#settings.store(directory);
    const name = isHttpUrl(urlOrPath) ? cachedName(urlOrPath) : store.nameOf(urlOrPath);
    if (name === undefined) {
      throw invalidArgument(
        `'${displaySource(urlOrPath)}' was not downloaded, so it isn't deleted; give the name or URL of a download, or its ` +
          'path in the cache',
      );
    }
    const removed = await store.tryLock(name, () => store.delete(name));
    if (removed !== undefined) return removed;
    throw new SegmentationError(
      'IO_ERROR',
      `'${displaySource(urlOrPath)}' is being downloaded right now; try again later`,
    );
  }

  async prune({ maxBytes, maxAgeMs }: PruneOptions, directory: string | undefined): Promise<CachedModel[]> {
    const store = await this.#settings.store(directory);
    // The last used first, so that they are kept first.
    const models = (await this.list(directory)).sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
    const now = Date.now();
    const removed: CachedModel[] = [];
    let kept = 0;
    for (const model of models) {
      const fits = maxBytes === undefined || kept + model.bytes <= maxBytes;
      const young = maxAgeMs === undefined || now - model.lastUsed.getTime() <= maxAgeMs;
      if (model.complete && fits && young) {
        kept += model.bytes;
        continue;
      }
      const name = store.nameOf(model.path);
      if (name === undefined) continue;
      const gone = await store.tryLock(name, async () => {
        await store.delete(name);
        return true;
      });
      if (gone) removed.push(model);
    }
    return removed.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
