import { messageOf, SegmentationError, type ErrorCode } from '../errors.js';
import { createEngine, runThread, type Engine } from './engine.js';
import {
  FrameMask,
  maskBytes,
  MaskPicture,
  scaleToBytes,
  toBytes,
  type FrameArguments,
  type FrameValue,
} from './frame.js';
import { movablesOf, release } from './moved.js';
import type { EngineParts, Picture } from './parts.js';
import type { Movable, TextCoverage, TextLine, WorkerScope } from './platform.js';
import { encodePng, VOC_PALETTE } from './png.js';
import { toRgba } from './rgba.js';
import type {
  CallMessage,
  CallName,
  Calls,
  FromWorker,
  PictureRequest,
  SentBackground,
  StartArguments,
  ToWorker,
} from './protocol.js';

type Answers = {
  [Name in CallName]: (given: Calls[Name]['arguments']) => Calls[Name]['value'] | Promise<Calls[Name]['value']>;
};

/** Calls that need nothing of what they were given once they are answered. */
const DONE_WITH: readonly CallName[] = ['load', 'segment', 'legend', 'picture', 'png', 'rle', 'polygons'];

interface Failure {
  error: { code: ErrorCode; message: string };
  fatal: boolean;
}

/** How a failure travels. After one that isn't the engine's own nothing is known of what its memory holds. */
function failureOf(error: unknown): Failure {
  if (error instanceof SegmentationError) return { error: { code: error.code, message: error.message }, fatal: false };
  const message = messageOf(error);
  if (error instanceof RangeError && !/call stack/i.test(message)) {
    return { error: { code: 'LIMIT_EXCEEDED', message: `there is not enough memory: ${message}` }, fatal: false };
  }
  return { error: { code: 'INTERNAL', message: `the engine failed: ${message}` }, fatal: true };
}

class Host {
  readonly #scope: WorkerScope;
  #engine: Engine | undefined;
  readonly #mask = new FrameMask();
  readonly #maskPicture = new MaskPicture();

  constructor(scope: WorkerScope) {
    this.#scope = scope;
  }

  get #running(): Engine {
    if (this.#engine === undefined)
      throw new SegmentationError('INTERNAL', 'a worker was called before it was started');
    return this.#engine;
  }

  async #start({ module, threads, maxMemoryBytes }: StartArguments): Promise<Calls['start']['value']> {
    const startThread = (thread: unknown): void => {
      this.#post({ thread }, []);
    };
    const engine = await createEngine({ module, threads, maxMemoryBytes, ...(threads > 1 && { startThread }) });
    this.#engine = engine;
    return { threads: engine.threads, stop: engine.stop };
  }

  async #picture(parts: EngineParts, request: PictureRequest): Promise<Picture> {
    const engine = this.#running;
    switch (request.kind) {
      case 'mask':
        return engine.mask(parts);
      case 'overlay':
        return engine.overlay(parts, request.opacity, this.#writer(request.legend));
      case 'cutout': {
        const { background, classes } = request;
        return engine.cutout(parts, classes, background && (await this.#behind(background)));
      }
    }
  }

  async #frame(given: FrameArguments): Promise<FrameValue> {
    const { frameWidth, frameHeight, channels, size, spare } = given;
    const began = performance.now();
    const image = await this.#scope.pixels(given.image);
    const readMs = performance.now() - began;
    const maps = this.#running.segment(image, {
      classes: channels,
      resize: false,
      filter: 'antialias',
      keepImage: false,
    });
    const values = this.#mask.update(maps, given);
    const { width, height } = size === 'model' ? maps : { width: frameWidth, height: frameHeight };
    const alpha = maskBytes(width * height, spare);
    if (size === 'model') toBytes(values, alpha);
    else scaleToBytes(values, maps.width, maps.height, alpha, width, height);
    const bitmap = given.bitmap ? await this.#maskPicture.bitmap(alpha, width, height) : undefined;
    release([...movablesOf(maps), ...movablesOf(given.image)]);
    return { width, height, alpha, bitmap, readMs, networkMs: maps.timings.networkMs };
  }

  /** Who writes an overlay's legend: this thread, or lines that somebody wrote already. */
  #writer(legend: boolean | readonly TextCoverage[]): WorkerScope['writeText'] | undefined {
    if (legend === false) return undefined;
    if (legend === true) return this.#scope.writeText;
    const waiting = [...legend];
    return () => waiting.shift() ?? { width: 1, height: 1, values: new Uint8Array(1) };
  }

  async #behind(background: SentBackground): Promise<Parameters<Engine['cutout']>[2]> {
    if ('image' in background) return { image: await this.#scope.pixels(background.image) };
    if ('blur' in background) return { blur: background.blur };
    return { color: [...background.color] };
  }

  readonly #answers: Answers = {
    start: (given) => this.#start(given),
    load: ({ model, ...options }) => this.#running.load(model, options),
    segment: async ({ image, ...options }) => this.#running.segment(await this.#scope.pixels(image), options),
    frame: (given) => this.#frame(given),
    legend: ({ parts }) => {
      const lines: TextLine[] = [];
      this.#running.overlay(parts, 0, (text, pixelHeight) => {
        lines.push({ text, pixelHeight });
        return { width: 1, height: 1, values: new Uint8Array(1) };
      });
      return lines;
    },
    picture: async ({ parts, request }) => toRgba(await this.#picture(parts, request)),
    png: async ({ parts, request }) => {
      const picture = await this.#picture(parts, request);
      return encodePng(picture, request.kind === 'mask' ? VOC_PALETTE.subarray(0, 3 * parts.labels.length) : undefined);
    },
    rle: ({ parts, channel }) => this.#running.rle(parts, channel),
    polygons: ({ parts, channel, tolerance, minArea }) => this.#running.polygons(parts, channel, tolerance, minArea),
  };

  #post(message: FromWorker, moved: readonly Movable[]): void {
    this.#scope.post(message, moved);
  }

  async answer({ call, arguments: given }: CallMessage): Promise<void> {
    try {
      const value: unknown = await this.#answers[call](given as never);
      this.#post({ value }, [...movablesOf(value)]);
    } catch (error) {
      this.#post(failureOf(error), []);
    }
    if (DONE_WITH.includes(call)) release(movablesOf(given));
  }
}

/** What a worker does with the messages that it gets. */
export function serve(scope: WorkerScope): (message: unknown) => void {
  const host = new Host(scope);
  return (message) => {
    const given = message as ToWorker;
    if ('thread' in given) runThread(given.thread);
    else void host.answer(given);
  };
}
