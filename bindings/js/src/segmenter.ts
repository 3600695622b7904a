/// <reference lib="esnext.disposable" preserve="true" />
import { abortable, signalOf, throwIfAborted } from './abort.js';
import type { BackendLoadOptions, BackendModel, BackendSegmentOptions, ModelDescription } from './backend.js';
import { defaultBackend } from './default-backend.js';
import { classList, ClassNames } from './class-names.js';
import { describeValue, invalidArgument, optionsOf, progressOf, reporting, SegmentationError } from './errors.js';
import { checkFrameOptions, type FrameInput, type FrameOptions, type FrameResult } from './frames.js';
import { readFrame, readImage, type ImageInput } from './image-input.js';
import { Limiter } from './limiter.js';
import { readModel, resolveResource, type ModelConfig, type ResourceSource } from './resource.js';
import { Segmentation } from './segmentation.js';

export interface LoadOptions extends Omit<ModelConfig, 'modelSource'> {
  /**
   * Which runtime executes the network: `'native'`, our own and the fastest, for float32 networks; `'executorch'`, the official
   * one with XNNPACK; default: `'auto'`, native if it knows all of the model's operators, otherwise ExecuTorch.
   */
  engine?: 'auto' | 'native' | 'executorch';
  /** Threads of one call; default: one per processor. All models share them: calls at once get what others leave free. */
  threads?: number;
  /**
   * With `'low'` the native engine keeps weights at the size that they have in the file; default: `'default'`, the fastest, with
   * some weights transformed, at up to four times their size.
   */
  memory?: 'default' | 'low';
  /**
   * Keep the native engine's packed weights in the cache and map them on later loads, which then take milliseconds. Costs up to
   * twice the model's size on disk. For models from files or URLs. Default: false.
   */
  keepPackedWeights?: boolean;
  /** Where downloads are kept; default: `$SILHOUETTE_CACHE`, `$XDG_CACHE_HOME/silhouette` or `~/.cache/silhouette`. */
  cacheDirectory?: string;
  /** Calls of `segment` that go on at a time; the others wait. Default: 2, so that one decodes while one infers. */
  concurrency?: number;
  /** Hears fractions from 0 to 1 that never fall; the last is 1, also for files that are here already. */
  onProgress?: (fraction: number) => void;
  /** Cancels the download; the promise rejects with the signal's reason at once. */
  signal?: AbortSignal | null;
}

export interface SegmentOptions {
  /** Classes whose probability maps are wanted, by number or by label in any case. */
  classes?: readonly (string | number)[];
  /** Maps at the original's size instead of the model's. */
  resize?: boolean;
  /** How the image is brought to the model's size; default: `'antialias'`. */
  filter?: 'antialias' | 'linear';
  /** Keep the photo, at the maps' size, for `toOverlayPng` and `toCutoutPng`; default: true. */
  keepImage?: boolean;
  /** Ends the wait for a turn or the call; the promise rejects with the signal's reason at once. */
  signal?: AbortSignal | null;
}

const disposeSymbol: typeof Symbol.dispose =
  (Symbol as { dispose?: typeof Symbol.dispose }).dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

function checkCount(value: unknown, name: string, most: number): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most) {
    throw invalidArgument(`${name} is ${describeValue(value)}; it must be a whole number from 1 to ${String(most)}`);
  }
}

function checkOneOf(value: unknown, name: string, choices: readonly string[]): void {
  if (!choices.includes(value as string)) {
    const known = choices.map((choice) => `'${choice}'`).join(' or ');
    throw invalidArgument(`${name} is ${describeValue(value)}; it may be ${known}`);
  }
}

/** An option that was given: null, as undefined, stands for none. */
function given<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function checkBoolean(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw invalidArgument(`${name} is ${describeValue(value)}; it must be true or false`);
}

function checkLoadOptions(resource: ResourceSource, options: LoadOptions): ReturnType<typeof resolveResource> {
  const { labels, mean, std, sha256, engine, threads, memory, keepPackedWeights, cacheDirectory } = options;
  const outer = resolveResource({ modelSource: '', labels, mean, std, sha256 }).options;
  const resolved = resolveResource(resource);
  // What the call says beats what the source says.
  const checked: BackendLoadOptions = { ...resolved.options, ...outer };
  if (given(engine)) {
    checkOneOf(engine, 'engine', ['auto', 'native', 'executorch']);
    checked.engine = engine;
  }
  if (given(threads)) {
    checkCount(threads, 'threads', 256);
    checked.threads = threads;
  }
  if (given(memory)) {
    checkOneOf(memory, 'memory', ['default', 'low']);
    checked.memory = memory;
  }
  if (given(keepPackedWeights)) {
    checkBoolean(keepPackedWeights, 'keepPackedWeights');
    checked.keepPackedWeights = keepPackedWeights;
  }
  if (given(cacheDirectory)) {
    if (typeof cacheDirectory !== 'string') {
      throw invalidArgument(`cacheDirectory is ${describeValue(cacheDirectory)}; it must be a path`);
    }
    checked.cacheDirectory = cacheDirectory;
  }
  return { source: resolved.source, options: checked };
}

function checkSegmentOptions(options: SegmentOptions): BackendSegmentOptions {
  const resize = options.resize ?? false;
  const filter = options.filter ?? 'antialias';
  const keepImage = options.keepImage ?? true;
  checkBoolean(resize, 'resize');
  checkBoolean(keepImage, 'keepImage');
  checkOneOf(filter, 'filter', ['antialias', 'linear']);
  return { resize, filter, keepImage };
}

/** A loaded model. Any number of calls may be made at once; they share the model's memory. */
export class Segmenter {
  static #loading = false;
  #model: BackendModel | undefined;
  readonly #limiter: Limiter;
  /** Whether a frame is under way. */
  #framing = false;
  readonly #names: ClassNames;
  /** What is known about the model. */
  readonly description: ModelDescription;

  private constructor(model: BackendModel, concurrency: number) {
    // Programs that aren't compiled by TypeScript try it.
    if (!Segmenter.#loading)
      throw invalidArgument('a Segmenter is made by `await Segmenter.load(model)`, not by `new`');
    this.#model = model;
    this.#limiter = new Limiter(concurrency);
    this.description = model.description;
    this.#names = new ClassNames(model.description.labels);
  }

  /** Loads a model, downloading it first if it has to be. */
  static load(source: ResourceSource, options: LoadOptions | null = {}): Promise<Segmenter> {
    return reporting(() => Segmenter.#load(source, optionsOf(options, 'Segmenter.load')));
  }

  static async #load(source: ResourceSource, options: LoadOptions): Promise<Segmenter> {
    const signal = signalOf(options.signal);
    const concurrency = options.concurrency ?? 2;
    checkCount(concurrency, 'concurrency', 64);
    const tell = progressOf(options.onProgress);
    const checked = checkLoadOptions(source, options);
    throwIfAborted(signal);
    const model = await abortable(readModel(checked.source, signal), signal, () => undefined);

    let aborted = false;
    const call = defaultBackend.load(model, checked.options, (fraction) => {
      if (!aborted) tell?.(fraction);
    });
    const loaded = await abortable(call.settled, signal, () => {
      aborted = true;
      call.cancel();
      // It may have been too late to stop.
      call.settled.then(
        (late) => {
          late.unload();
        },
        () => undefined,
      );
    });
    Segmenter.#loading = true;
    try {
      return new Segmenter(loaded, concurrency);
    } finally {
      Segmenter.#loading = false;
    }
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#model === undefined;
  }

  /** Segments one image. Calls above `concurrency` wait for their turn, in order. */
  segment(input: ImageInput, options: SegmentOptions | null = {}): Promise<Segmentation> {
    return reporting(() => this.#segment(input, optionsOf(options, 'segment')));
  }

  async #segment(input: ImageInput, options: SegmentOptions): Promise<Segmentation> {
    const signal = signalOf(options.signal);
    const classes = classList(options.classes ?? [], 'classes').map((label) => this.#names.resolve(label));
    const checked = checkSegmentOptions(options);
    throwIfAborted(signal);
    this.#loaded();
    const image = await abortable(readImage(input, signal), signal, () => undefined);

    const leave = await this.#limiter.enter(signal);
    let call;
    try {
      call = this.#loaded().segment(image.use(), classes, checked);
    } catch (error) {
      leave();
      throw error;
    }
    // An abort gives back the caller's time, but not the turn: the native call takes memory until it has really ended.
    call.settled.then(leave, leave);
    const { settled, cancel } = call;
    return new Segmentation(await abortable(settled, signal, cancel));
  }

  /**
   * The mask of a video's frame, fast: the frame is made small early, memory is used again, and while one is under way others are
   * dropped instead of queued, which `undefined` tells. Needs a browser, or pixels and the engine in WebAssembly.
   */
  segmentFrame(frame: FrameInput, options: FrameOptions | null = {}): Promise<FrameResult | undefined> {
    return reporting(() => this.#segmentFrame(frame, optionsOf(options, 'segmentFrame')));
  }

  async #segmentFrame(frame: FrameInput, options: FrameOptions): Promise<FrameResult | undefined> {
    const signal = signalOf(options.signal);
    const subject = classList(options.subject ?? [], 'subject').map((label) => this.#names.resolve(label));
    const checked = checkFrameOptions(options);
    throwIfAborted(signal);
    const model = this.#loaded();
    if (model.segmentFrame === undefined) {
      throw invalidArgument(
        'segmentFrame needs the engine in WebAssembly, as in browsers; the native addon has segment',
      );
    }
    if (this.#framing) return undefined;
    const { settled, cancel } = model.segmentFrame(readFrame(frame), { subject, ...checked });
    this.#framing = true;
    const done = (): void => {
      this.#framing = false;
    };
    settled.then(done, done);
    return abortable(settled, signal, cancel);
  }

  /** Frees the model as soon as no running call uses it. Calls that wait for their turn fail; a second `close` does nothing. */
  close(): void {
    this.#model?.unload();
    this.#model = undefined;
  }

  [disposeSymbol](): void {
    this.close();
  }

  #loaded(): BackendModel {
    if (this.#model === undefined) {
      throw new SegmentationError('MODEL_NOT_LOADED', 'the segmenter is closed; load the model again');
    }
    return this.#model;
  }
}
