import type {
  Backend,
  BackendCall,
  BackendLoadOptions,
  BackendModel,
  BackendModelSource,
  CachedModel,
  ModelDescription,
  PruneOptions,
  RegisteredModel,
} from '../backend.js';
import { invalidArgument, SegmentationError } from '../errors.js';
import { callOf, throwIfCancelled, within } from './call.js';
import { WasmModel } from './model.js';
import type { DownloadRequest, Platform } from './platform.js';
import { VERSION } from './models.generated.js';
import { findModel, KNOWN_MODELS, type KnownModel } from './registry.js';
import type { ResultMaker } from './segmentation.js';
import { sha256 } from './sha256.js';
import { displaySource, isDataUri, isHttpUrl } from './sources.js';
import { EngineWorker } from './worker-calls.js';

/** How long the worker that makes pictures of closed models' results waits for the next one, ms. */
const IDLE_MS = 3000;

type Progress = (fraction: number) => void;

/** A worker without a model, for pictures; there while it is needed. */
class PictureWorker {
  readonly #platform: Platform;
  #starting: Promise<EngineWorker> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  async get(): Promise<EngineWorker> {
    clearTimeout(this.#timer);
    this.#starting ??= EngineWorker.start(this.#platform, this.#platform.threads());
    let worker: EngineWorker;
    try {
      worker = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    if (!worker.open) {
      this.#starting = undefined;
      return this.get();
    }
    this.#endLater(worker);
    return worker;
  }

  #endLater(worker: EngineWorker): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (worker.busy) {
        this.#endLater(worker);
        return;
      }
      this.#starting = undefined;
      worker.close();
    }, IDLE_MS);
    // Node's timers keep a process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }
}

/** Progress that never falls, also if a file is asked for twice. */
class Rising {
  /** Whether a file came: between the ends there is something only then. */
  moved = false;
  #last = -1;
  readonly #onProgress: Progress;

  constructor(onProgress: Progress) {
    this.#onProgress = onProgress;
  }

  readonly tell: Progress = (fraction) => {
    this.moved ||= fraction > 0 && fraction < 1;
    if (fraction <= this.#last) return;
    this.#last = fraction;
    try {
      this.#onProgress(fraction);
    } catch (error) {
      // A mistake of the callback's author: it must be seen, and it mustn't spoil the load.
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

interface FoundModel {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  entry: KnownModel | undefined;
  /** Of a download. */
  url: string | undefined;
}

function checkSha256(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[\da-f]{64}$/i.test(text)) return text.toLowerCase();
  throw invalidArgument(`'${text.slice(0, 128)}' is no SHA-256; it must be 64 hexadecimal digits`);
}

async function compareSha256(bytes: Uint8Array<ArrayBuffer>, wanted: string | undefined, what: string): Promise<void> {
  if (wanted === undefined) return;
  const found = await sha256(bytes);
  if (found === wanted) return;
  throw new SegmentationError('INVALID_MODEL', `the SHA-256 of ${what} is ${found} instead of ${wanted}`);
}

const fromDataUri = (source: string): SegmentationError =>
  invalidArgument(`a model can't come from '${displaySource(source)}'; give its name, path, URL or bytes`);

/** Names and URLs where models are downloaded from, or undefined for what is here already. */
function urlOf(source: string): string | undefined {
  const url = findModel(source)?.url ?? (isHttpUrl(source) ? source : '');
  return url === '' ? undefined : url;
}

/** The core in WebAssembly, each model in a worker of its own. */
class WasmBackend implements Backend {
  readonly version = VERSION;
  readonly #platform: Platform;
  readonly #maker: ResultMaker;

  constructor(platform: Platform) {
    this.#platform = platform;
    const pictures = new PictureWorker(platform);
    this.#maker = { platform, worker: (model) => (model.open ? Promise.resolve(model) : pictures.get()) };
  }

  resolveBlobUrl(url: string): Promise<Blob | undefined> {
    return this.#platform.resolveBlobUrl(url);
  }

  takesObject(value: object): boolean {
    return this.#platform.takesObject?.(value) ?? false;
  }

  registeredModels(): readonly RegisteredModel[] {
    return KNOWN_MODELS.map(({ name, url, description }) => ({ name, url, description }));
  }

  readableImageFormats(): readonly string[] {
    return this.#platform.readableImageFormats();
  }

  cachedModels(directory: string | undefined): Promise<CachedModel[]> {
    return this.#platform.downloads.list(directory);
  }

  fetchModel(given: string, directory: string | undefined, listener: Progress): BackendCall<string> {
    return callOf(async (signal) => {
      const onProgress = new Rising(listener).tell;
      const source = this.#sourceOf(given);
      const url = urlOf(source);
      if (url !== undefined) return this.#platform.downloads.fetch(url, { directory, onProgress, signal });
      if (isDataUri(source)) throw fromDataUri(source);
      onProgress(0);
      const place = await this.#platform.placeOfModel(
        findModel(source)?.file ?? source,
        findModel(source) !== undefined,
      );
      onProgress(1);
      return place;
    });
  }

  async removeModel(given: string, directory: string | undefined): Promise<boolean> {
    const source = this.#sourceOf(given);
    const entry = findModel(source);
    if (entry?.url === '') {
      throw invalidArgument(`'${source}' comes with the package; it was not downloaded, so it isn't deleted`);
    }
    return this.#platform.downloads.remove(urlOf(source) ?? source, directory);
  }

  pruneCache(options: PruneOptions, directory: string | undefined): Promise<CachedModel[]> {
    return this.#platform.downloads.prune(options, directory);
  }

  load(source: BackendModelSource, options: BackendLoadOptions, onProgress: Progress): BackendCall<BackendModel> {
    // It may change while the call goes on.
    const copied = typeof source === 'string' ? source : new Uint8Array(source);
    return callOf(async (signal) =>
      this.#load(typeof copied === 'string' ? this.#sourceOf(copied) : copied, options, onProgress, signal),
    );
  }

  /** A text that names a model, as the rest of this takes it. */
  #sourceOf(given: string): string {
    const text = given.trim();
    return this.#platform.wholeUrl?.(text) ?? text;
  }

  async #load(
    source: string | Uint8Array<ArrayBuffer>,
    options: BackendLoadOptions,
    onProgress: Progress,
    signal: AbortSignal,
  ): Promise<BackendModel> {
    if (options.engine === 'executorch') {
      throw new SegmentationError(
        'UNSUPPORTED_MODEL',
        "there is no ExecuTorch in WebAssembly: leave the engine to 'auto', or run where the package has its native addon",
      );
    }
    const wanted = checkSha256(options.sha256);
    const progress = new Rising(onProgress);
    const directory = options.cacheDirectory;
    const request = { directory, onProgress: progress.tell, signal, ...(wanted && { sha256: wanted }) };
    const [found, worker] = await this.#prepare(source, request, options);
    try {
      return await this.#make(found, worker, options, signal);
    } catch (error) {
      if (found.url === undefined || !(error instanceof SegmentationError && error.code === 'INVALID_MODEL'))
        throw error;
      // A file that lay in the cache may have been damaged there.
      await this.#platform.downloads.remove(found.url, directory);
      if (progress.moved) throw error;
    }
    return this.#make(...(await this.#prepare(source, request, options)), options, signal);
  }

  /** The model's bytes, and a worker that starts in the meantime: to start one takes as long as to read a file. */
  async #prepare(
    source: string | Uint8Array<ArrayBuffer>,
    request: DownloadRequest,
    { threads }: BackendLoadOptions,
  ): Promise<[FoundModel, EngineWorker]> {
    const starting = EngineWorker.start(this.#platform, threads ?? this.#platform.threads());
    // What is wrong with the model's source is told first.
    starting.catch(() => undefined);
    try {
      return [await this.#find(source, request), await starting];
    } catch (error) {
      starting.then(
        (worker) => {
          worker.end();
        },
        () => undefined,
      );
      throw error;
    }
  }

  async #find(source: string | Uint8Array<ArrayBuffer>, request: DownloadRequest): Promise<FoundModel> {
    const { onProgress, sha256: wanted } = request;
    if (typeof source !== 'string') {
      await compareSha256(source, wanted, `the model's ${String(source.length)} bytes`);
      onProgress(0);
      onProgress(1);
      return { name: 'bytes', bytes: source, entry: undefined, url: undefined };
    }
    const entry = findModel(source);
    const url = urlOf(source);
    const name = displaySource(source);
    if (url !== undefined) {
      return { name, bytes: await this.#platform.downloads.read(url, request), entry, url };
    }
    if (isDataUri(source)) throw fromDataUri(source);
    const bytes =
      entry === undefined
        ? await this.#platform.readModelFile(source)
        : await this.#platform.readEmbeddedModel(entry.file, request);
    await compareSha256(bytes, wanted, `'${name}'`);
    onProgress(0);
    onProgress(1);
    return { name, bytes, entry, url };
  }

  /** Has a worker load the model, whose bytes are gone here afterwards. */
  async #make(
    found: FoundModel,
    worker: EngineWorker,
    options: BackendLoadOptions,
    signal: AbortSignal,
  ): Promise<BackendModel> {
    try {
      throwIfCancelled(signal);
      return new WasmModel(await this.#describe(worker, found, options, signal), worker, this.#maker);
    } catch (error) {
      worker.end();
      throw error;
    }
  }

  async #describe(
    worker: EngineWorker,
    { name, bytes, entry }: FoundModel,
    options: BackendLoadOptions,
    signal: AbortSignal,
  ): Promise<ModelDescription> {
    const { labels, mean, std, memory, engine } = options;
    const given = {
      model: bytes,
      name,
      ...(labels && { labels }),
      // One of the two that is left out changes nothing.
      ...((mean ?? std) && { mean: mean ?? [0, 0, 0], std: std ?? [1, 1, 1] }),
      ...(entry && { fallback: { mean: entry.mean, std: entry.std } }),
      memory: memory === 'low' ? ('low' as const) : ('default' as const),
    };
    // A load can't be stopped, but its worker can be ended.
    const { settled } = worker.call('load', given, [bytes.buffer]);
    const cancel = (): void => {
      worker.end();
    };
    const described = await within({ settled, cancel }, signal);
    const registered = (origin: string): string => (entry !== undefined && origin === 'default' ? 'registry' : origin);
    const why = engine === 'native' ? 'asked for' : "knows all of the model's operators";
    return {
      ...described,
      source: name,
      engine: 'native',
      engineReason: `${why}; ${this.#platform.reason}`,
      labelsOrigin: registered(described.labelsOrigin),
      normalizationOrigin: registered(described.normalizationOrigin),
    };
  }
}

export function createWasmBackend(platform: Platform): Backend {
  return new WasmBackend(platform);
}
