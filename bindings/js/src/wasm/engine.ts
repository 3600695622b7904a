/**
 * One instance of the engine in WebAssembly, for one model. It runs in a worker, and all calls but its creation are made at
 * once: a call ends when its work is done.
 */
import { messageOf, SegmentationError, type ErrorCode } from '../errors.js';
import { isShared, memoryOf, type SharedParts } from './memory.js';
import type { EngineImage, EngineParts, Picture } from './parts.js';
import type { TextCoverage } from './platform.js';
import type { OutlineOf, RunLengthsOf } from './protocol.js';
import { Reader, Writer, type Place } from './wire.js';

export interface EngineOptions {
  readonly module: WebAssembly.Module;
  /** 1: no workers. More need a module that imports shared memory. */
  readonly threads: number;
  /** Hands a message to a new worker, which must call {@link runThread} with it; needed for more threads than one. */
  readonly startThread?: (message: unknown) => void;
  /** That the engine's memory may have, up to 2 GiB, which is the default. */
  readonly maxMemoryBytes?: number;
}

export interface EngineDescription {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly outputWidth: number;
  readonly outputHeight: number;
  /** Channels of the network's output. */
  readonly channels: number;
  readonly labels: readonly string[];
  /** `'caller'`, `'file'` or `'default'`. */
  readonly labelsOrigin: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** `'caller'`, `'file'` or `'default'`. */
  readonly normalizationOrigin: string;
  readonly operators: readonly string[];
  readonly delegates: readonly string[];
}

export interface EngineLoadOptions {
  /** Stands for the model in messages. */
  readonly name: string;
  readonly labels?: readonly string[];
  /** The caller's normalisation; both or neither. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Normalisation where neither the caller nor the file has one. */
  readonly fallback?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly memory?: 'default' | 'low';
}

export interface EngineSegmentOptions {
  /** Channels whose probabilities are wanted. */
  readonly classes: readonly number[];
  /** Maps at the image's size instead of the model's. */
  readonly resize: boolean;
  readonly filter: 'antialias' | 'linear';
  /** Give the image at the maps' size, too, and the foreground of a model of one channel. */
  readonly keepImage: boolean;
}

/** What an image was segmented into. */
export interface EngineMaps {
  readonly width: number;
  readonly height: number;
  readonly argmax: Int32Array<ArrayBuffer>;
  /** Channels of `probabilities`, ascending. */
  readonly classes: number[];
  readonly probabilities: Float32Array<ArrayBuffer>[];
  /** RGB. */
  readonly image?: Uint8Array<ArrayBuffer>;
  /** What a model of one channel gave, at its own size. */
  readonly foreground?: { width: number; height: number; values: Float32Array<ArrayBuffer> };
  readonly timings: { readonly preprocessMs: number; readonly networkMs: number; readonly postprocessMs: number };
}

/** What lies behind a cut-out: a colour (0 … 255), the image out of focus (a share of its longer side), another picture. */
export type EngineBackground =
  { readonly color: readonly number[] } | { readonly blur: number } | { readonly image: EngineImage };

type TextWriter = (text: string, pixelHeight: number) => TextCoverage;
/** Anything whose values the engine's memory gets a copy of. */
type Values = Uint8Array | Uint8ClampedArray | Int32Array | Float32Array;
/** Makes such a copy, and writes where it is. */
type Placer = (message: Writer, values: Values) => Writer;

/** All methods throw `SegmentationError`s. Anything else that they throw means that the engine must not be used any more. */
export interface Engine {
  /** That it computes with. */
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  /** A cell in shared memory: a 1 in it, from any thread, ends the running call with `CANCELLED`. Nobody sets it back. */
  readonly stop: Int32Array | undefined;
  /** The bytes aren't needed after the call. Another model takes the place of the one before. */
  load(model: Uint8Array, options: EngineLoadOptions): EngineDescription;
  segment(image: EngineImage, options: EngineSegmentOptions): EngineMaps;
  /** The network alone: 3 × height × width values, plane by plane, into channels × height × width. */
  run(input: Float32Array): Float32Array<ArrayBuffer>;
  /** One channel: numbers of classes. */
  mask(parts: EngineParts): Picture;
  /** `opacity`: 0 … 1. With `writeText` there is a legend. */
  overlay(parts: EngineParts, opacity: number, writeText?: TextWriter): Picture;
  /** `classes`: channels of the subject; none: all but the background. RGBA, or RGB before a background. */
  cutout(parts: EngineParts, classes: readonly number[], background?: EngineBackground): Picture;
  rle(parts: EngineParts, channel: number): RunLengthsOf;
  polygons(parts: EngineParts, channel: number, tolerance: number, minArea: number): OutlineOf[];
}

type Call = 'start' | 'load' | 'segment' | 'run' | 'mask' | 'overlay' | 'cutout' | 'rle' | 'polygons';

type Exports = Record<`silhouette_${Call}`, (address: number, size: number) => number> & {
  _initialize(): void;
  silhouette_allocate(bytes: number): number;
  silhouette_free(address: number): void;
  silhouette_reply(): number;
  silhouette_reply_size(): number;
  silhouette_release(): void;
  silhouette_stop_cell(): number;
  silhouette_memory_used(): number;
  silhouette_expect_worker(): number;
  silhouette_run_worker(number: number): void;
  // Of modules with shared memory.
  readonly __stack_pointer?: WebAssembly.Global;
  readonly __tls_size?: WebAssembly.Global;
  __wasm_init_tls?(address: number): void;
};

/** The engine's name for an error, by its number (`silhouette::ErrorCode`). */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1: 'INVALID_ARGUMENT',
  10: 'MODEL_NOT_LOADED',
  11: 'INVALID_MODEL',
  12: 'UNSUPPORTED_MODEL',
  20: 'INVALID_IMAGE',
  21: 'UNSUPPORTED_IMAGE',
  50: 'LIMIT_EXCEEDED',
  60: 'CANCELLED',
};

const NO_MEMORY = 'out of memory; use a smaller image or model, or close what else uses memory';
/** Of each worker's stack. No function of the engine's takes more than an eighth of it. */
const STACK_BYTES = 256 * 1024;
const ALIGNMENT = 64;

const noMemory = (): SegmentationError => new SegmentationError('LIMIT_EXCEEDED', NO_MEMORY);

/** A number that the engine takes as 32 bits. */
function count(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new SegmentationError('INVALID_ARGUMENT', `${what} is ${String(value)}; give a whole number`);
}

/** What the engine asks of JavaScript. */
function importsOf(
  memory: WebAssembly.Memory,
  writeText: (address: number, size: number, pixelHeight: number) => number,
): WebAssembly.Imports {
  return {
    env: { memory },
    silhouette: {
      now: () => performance.now(),
      write_text: writeText,
      abort: () => {
        throw new Error('the engine found itself in a state that it does not know');
      },
    },
  };
}

class WasmEngine implements Engine {
  readonly memory: WebAssembly.Memory;
  readonly stop: Int32Array | undefined;
  threads = 1;

  readonly #exports: Exports;
  /** Who writes the legend of the overlay that is being made, and what that threw. */
  #writeText: TextWriter | undefined;
  #writing: unknown;

  private constructor(memory: WebAssembly.Memory, exports: Exports, shared: boolean) {
    this.memory = memory;
    this.#exports = exports;
    exports._initialize();
    this.stop = shared ? new Int32Array(memory.buffer, exports.silhouette_stop_cell() >>> 0, 1) : undefined;
  }

  static async create({ module, threads, startThread, maxMemoryBytes }: EngineOptions): Promise<WasmEngine> {
    const memory = memoryOf(module, maxMemoryBytes);
    const made: { engine?: WasmEngine } = {};
    const imports = importsOf(memory, (...text) => made.engine?.write(...text) ?? 0);
    const instance = await WebAssembly.instantiate(module, imports);
    const engine = new WasmEngine(memory, instance.exports as unknown as Exports, isShared(module));
    made.engine = engine;
    if (threads > 1 && startThread !== undefined && engine.stop !== undefined) {
      for (let i = 1; i < threads; ++i) startThread(engine.#expectThread(module));
    }
    engine.threads = engine.#call('start', new Writer().integer(threads)).integer();
    return engine;
  }

  /** What makes a worker one of the engine's threads, which may use it from now on. */
  #expectThread(module: WebAssembly.Module): SharedParts {
    const { __tls_size: size } = this.#exports;
    const stack = this.#allocate(STACK_BYTES) + STACK_BYTES;
    const threadLocal = this.#allocate(Number(size?.value ?? 0) + ALIGNMENT);
    return { module, memory: this.memory, number: this.#exports.silhouette_expect_worker(), stack, threadLocal };
  }

  load(model: Uint8Array, options: EngineLoadOptions): EngineDescription {
    const { name, labels = [], mean, std, fallback, memory } = options;
    return this.#lending((place) => {
      const message = new Writer();
      place(message, model).text(name).texts(labels);
      for (const given of [mean && std && { mean, std }, fallback]) {
        message.flag(given !== undefined);
        for (const value of given === undefined ? [] : [...given.mean, ...given.std]) message.real(value);
      }
      const reply = this.#call('load', message.flag(memory === 'low'));
      const [inputWidth, inputHeight, outputWidth, outputHeight, channels] = [0, 0, 0, 0, 0].map(() =>
        reply.integer(),
      ) as [number, number, number, number, number];
      // The background's channel, and whether there are probabilities: labels and results tell.
      reply.integer();
      reply.flag();
      const normalization = { mean: reply.reals(3), std: reply.reals(3) };
      reply.text();
      return {
        inputWidth,
        inputHeight,
        outputWidth,
        outputHeight,
        channels,
        ...normalization,
        normalizationOrigin: reply.text(),
        labelsOrigin: reply.text(),
        labels: reply.texts(),
        operators: reply.texts(),
        delegates: [],
      };
    });
  }

  segment(image: EngineImage, { classes, resize, filter, keepImage }: EngineSegmentOptions): EngineMaps {
    return this.#lending((place) => {
      const message = new Writer();
      this.#pixels(message, place, image);
      message.integers(classes.map((channel) => count(channel, 'a channel')));
      message
        .flag(resize)
        .flag(filter === 'linear')
        .flag(keepImage);
      const reply = this.#call('segment', message);
      const size = { width: reply.integer(), height: reply.integer() };
      const argmax = this.#integers(reply.place());
      const found = [...reply.integers()];
      const probabilities = found.map(() => this.#floats(reply.place()));
      const kept = reply.flag() ? { image: this.#bytes(reply.place()) } : {};
      const foreground = reply.flag()
        ? { values: this.#floats(reply.place()), width: reply.integer(), height: reply.integer() }
        : undefined;
      const [preprocessMs, networkMs, postprocessMs] = reply.reals(3) as [number, number, number];
      return {
        ...size,
        argmax,
        classes: found,
        probabilities,
        ...kept,
        ...(foreground && { foreground }),
        timings: { preprocessMs, networkMs, postprocessMs },
      };
    });
  }

  run(input: Float32Array): Float32Array<ArrayBuffer> {
    return this.#lending((place) => {
      const message = new Writer();
      place(message, input);
      return this.#floats(this.#call('run', message).place());
    });
  }

  mask(parts: EngineParts): Picture {
    return this.#lending((place) => this.#picture(this.#call('mask', this.#parts(place, parts))));
  }

  overlay(parts: EngineParts, opacity: number, writeText?: TextWriter): Picture {
    this.#writeText = writeText;
    this.#writing = undefined;
    try {
      return this.#lending((place) => {
        const message = this.#parts(place, parts).real(opacity);
        return this.#picture(this.#call('overlay', message.flag(writeText !== undefined)));
      });
    } catch (error) {
      if (this.#writing instanceof SegmentationError) throw this.#writing;
      if (this.#writing === undefined) throw error;
      const what = `the legend's text can't be written: ${messageOf(this.#writing)}`;
      throw new SegmentationError('INTERNAL', what, { cause: this.#writing });
    } finally {
      this.#writeText = undefined;
    }
  }

  cutout(parts: EngineParts, classes: readonly number[], background?: EngineBackground): Picture {
    return this.#lending((place) => {
      const message = this.#parts(place, parts).integers(classes.map((channel) => count(channel, 'a channel')));
      if (background === undefined) {
        message.integer(0);
      } else if ('color' in background) {
        message.integer(1);
        for (const value of background.color) message.integer(value);
      } else if ('blur' in background) {
        message.integer(2).real(background.blur);
      } else {
        this.#pixels(message.integer(3), place, background.image);
      }
      return this.#picture(this.#call('cutout', message));
    });
  }

  rle(parts: EngineParts, channel: number): RunLengthsOf {
    return this.#lending((place) => {
      const reply = this.#call('rle', this.#parts(place, parts).integer(count(channel, 'a channel')));
      return {
        size: [parts.height, parts.width],
        counts: new Uint32Array(reply.integers().buffer),
        compressed: reply.text(),
        area: reply.real(),
        box: boxOf(reply),
      };
    });
  }

  polygons(parts: EngineParts, channel: number, tolerance: number, minArea: number): OutlineOf[] {
    return this.#lending((place) => {
      const message = this.#parts(place, parts).integer(count(channel, 'a channel'));
      const reply = this.#call('polygons', message.real(tolerance).real(minArea));
      return Array.from({ length: reply.number() }, () => ({
        outer: reply.integers(),
        holes: Array.from({ length: reply.number() }, () => reply.integers()),
        area: reply.real(),
        box: boxOf(reply),
      }));
    });
  }

  /** What the engine asks for while it makes an overlay. Nothing may be thrown through it. */
  write(address: number, size: number, pixelHeight: number): number {
    try {
      const text = new TextDecoder().decode(this.#bytes({ address: address >>> 0, count: size }));
      const { width, height, values } = (this.#writeText as TextWriter)(text, pixelHeight);
      const words = [count(width, 'a width'), count(height, 'a height'), values.length];
      const place = this.#allocate(12 + values.length);
      new Int32Array(this.memory.buffer, place, 3).set(words);
      new Uint8Array(this.memory.buffer, place + 12, values.length).set(values);
      return place;
    } catch (error) {
      this.#writing = error;
      return 0;
    }
  }

  #allocate(bytes: number): number {
    const address = this.#exports.silhouette_allocate(bytes) >>> 0;
    if (address === 0) throw noMemory();
    return address;
  }

  /**
   * Runs what a call needs copies of arrays in the engine's memory for: `place` makes one and writes where it is. They are
   * freed at the end, as are results.
   */
  #lending<T>(body: (place: Placer) => T): T {
    const lent: number[] = [];
    const result = ((): { value: T } | { error: unknown } => {
      try {
        return {
          value: body((message, values) => {
            if (values.length === 0) return message.integer(0).integer(0);
            const address = this.#allocate(values.byteLength);
            lent.push(address);
            const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
            new Uint8Array(this.memory.buffer, address, bytes.length).set(bytes);
            return message.integer(address).integer(values.length);
          }),
        };
      } catch (error) {
        return { error };
      }
    })();
    // After anything else nothing is known of what is in memory.
    if ('error' in result && !(result.error instanceof SegmentationError)) throw result.error;
    for (const address of lent) this.#exports.silhouette_free(address);
    this.#exports.silhouette_release();
    if ('error' in result) throw result.error;
    return result.value;
  }

  #call(name: Call, message: Writer): Reader {
    const { bytes } = message;
    const address = this.#allocate(bytes.length);
    new Uint8Array(this.memory.buffer, address, bytes.length).set(bytes);
    const code = this.#exports[`silhouette_${name}`](address, bytes.length);
    this.#exports.silhouette_free(address);
    const place = { address: this.#exports.silhouette_reply() >>> 0, count: this.#exports.silhouette_reply_size() };
    const reply = new Reader(this.#bytes(place));
    if (code === 0) return reply;
    const text = reply.empty ? '' : reply.text();
    if (text === '') throw noMemory();
    throw new SegmentationError(CODES[code] ?? 'INTERNAL', text);
  }

  #pixels(message: Writer, place: Placer, image: EngineImage): void {
    const { data, width, height, channels, stride = 0 } = image;
    place(message, data).integer(count(width, 'a width')).integer(count(height, 'a height'));
    message.integer(count(channels, 'a number of channels')).integer(count(stride, 'a stride'));
  }

  #parts(place: Placer, parts: EngineParts): Writer {
    const { width, height, argmax, labels, image, foreground } = parts;
    const message = new Writer().integer(count(width, 'a width')).integer(count(height, 'a height'));
    place(message, argmax)
      .texts(labels)
      .flag(image !== undefined);
    if (image !== undefined) this.#pixels(message, place, { data: image, width, height, channels: 3 });
    message.flag(foreground !== undefined);
    if (foreground !== undefined) {
      place(message, foreground.values);
      message.integer(count(foreground.width, 'a width')).integer(count(foreground.height, 'a height'));
    }
    return message;
  }

  #picture(reply: Reader): Picture {
    const size = { width: reply.integer(), height: reply.integer() };
    return { ...size, channels: reply.integer() as 1 | 3 | 4, data: this.#bytes(reply.place()) };
  }

  // Copies, in memory of their own.

  #bytes({ address, count: length }: Place): Uint8Array<ArrayBuffer> {
    return new Uint8Array(new Uint8Array(this.memory.buffer, address, length));
  }

  #integers({ address, count: length }: Place): Int32Array<ArrayBuffer> {
    return new Int32Array(new Int32Array(this.memory.buffer, address, length));
  }

  #floats({ address, count: length }: Place): Float32Array<ArrayBuffer> {
    return new Float32Array(new Float32Array(this.memory.buffer, address, length));
  }
}

function boxOf(reply: Reader): [number, number, number, number] {
  return [reply.integer(), reply.integer(), reply.integer(), reply.integer()];
}

/** An engine without a model. `LIMIT_EXCEEDED` if there is no memory for it. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  return WasmEngine.create(options);
}

/** Makes this worker a thread of the engine whose `startThread` got `message`. Doesn't return: the worker is ended. */
export function runThread(message: unknown): void {
  const { module, memory, number, stack, threadLocal } = message as SharedParts;
  const { exports } = new WebAssembly.Instance(
    module,
    importsOf(memory, () => 0),
  );
  const thread = exports as unknown as Exports;
  const pointer = thread.__stack_pointer;
  if (pointer === undefined || thread.__wasm_init_tls === undefined) {
    throw new SegmentationError('INTERNAL', 'a module without shared memory has no threads');
  }
  pointer.value = stack;
  thread.__wasm_init_tls(Math.ceil(threadLocal / ALIGNMENT) * ALIGNMENT);
  thread.silhouette_run_worker(number);
}
