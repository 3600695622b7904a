import { abortable } from '../abort.js';
import type {
  BackendBackground,
  BackendSegmentation,
  OverlayOptions,
  PictureKind,
  Polygon,
  PolygonOptions,
  Rle,
  SegmentationInfo,
} from '../backend.js';
import { describeValue, invalidArgument } from '../errors.js';
import { ours } from '../typed-arrays.js';
import { channelsOf, oneChannelOf } from './classes.js';
import { within } from './call.js';
import type { EngineMaps } from './engine.js';
import { closeAll, closeIfCancelled } from './moved.js';
import type { EngineParts, Picture } from './parts.js';
import type { Movable, Platform } from './platform.js';
import type { CallName, Calls, PictureRequest, SentBackground } from './protocol.js';
import type { EngineWorker } from './worker-calls.js';

const DEFAULT_OPACITY = 0.55;

/** What results of all models have in common. */
export interface ResultMaker {
  readonly platform: Platform;
  /** The model's worker, or another one where that is gone. */
  worker(model: EngineWorker): Promise<EngineWorker>;
}

interface Prepared {
  readonly request: PictureRequest;
  readonly moved: readonly Movable[];
}

/** A result: its maps are here, pictures of them are made by a worker of copies. */
export class WasmSegmentation implements BackendSegmentation {
  readonly width: number;
  readonly height: number;
  readonly labels: readonly string[];
  readonly argmax: Int32Array<ArrayBuffer>;
  readonly classes: readonly number[];
  readonly probabilities: readonly Float32Array<ArrayBuffer>[];
  readonly info: SegmentationInfo;
  readonly #parts: Pick<EngineParts, 'image' | 'foreground'>;
  readonly #worker: EngineWorker;
  readonly #maker: ResultMaker;

  constructor(
    maps: EngineMaps,
    labels: readonly string[],
    info: SegmentationInfo,
    worker: EngineWorker,
    maker: ResultMaker,
  ) {
    this.width = maps.width;
    this.height = maps.height;
    this.labels = [...labels];
    this.argmax = ours(maps.argmax, Int32Array);
    this.classes = [...maps.classes];
    this.probabilities = maps.probabilities.map((map) => ours(map, Float32Array));
    this.info = info;
    this.#parts = { ...(maps.image && { image: maps.image }), ...(maps.foreground && { foreground: maps.foreground }) };
    this.#worker = worker;
    this.#maker = maker;
  }

  maskPng(signal?: AbortSignal): Promise<Uint8Array> {
    return this.#picture('png', { kind: 'mask' }, signal);
  }

  overlayPng(options: OverlayOptions, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#picture('png', { kind: 'overlay', options }, signal);
  }

  cutoutPng(
    classes: readonly (string | number)[],
    background: BackendBackground | undefined,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#picture('png', { kind: 'cutout', classes, background }, signal);
  }

  picture(kind: PictureKind, signal?: AbortSignal): Promise<Picture> {
    return this.#picture('picture', kind, signal);
  }

  rle(label: string | number, signal?: AbortSignal): Promise<Omit<Rle, 'toJSON'>> {
    const channel = oneChannelOf(label, this.labels);
    return this.#call('rle', { parts: this.#small, channel }, [], signal);
  }

  polygons(
    label: string | number,
    { tolerance = 1, minArea = 0 }: PolygonOptions,
    signal?: AbortSignal,
  ): Promise<Omit<Polygon, 'toJSON'>[]> {
    const channel = oneChannelOf(label, this.labels);
    return this.#call('polygons', { parts: this.#small, channel, tolerance, minArea: Math.ceil(minArea) }, [], signal);
  }

  /** What shapes are made of. */
  get #small(): EngineParts {
    const { width, height, argmax, labels } = this;
    return { width, height, argmax, labels };
  }

  get #all(): EngineParts {
    return { ...this.#small, ...this.#parts };
  }

  /** The caller is told of an abort at once; the worker goes on to its end, if it can't be stopped. */
  #call<Name extends CallName>(
    name: Name,
    given: Calls[Name]['arguments'],
    moved: readonly Movable[],
    signal: AbortSignal | undefined,
  ): Promise<Calls[Name]['value']> {
    return this.#abortable(signal, async (ending) => {
      const worker = await this.#maker.worker(this.#worker);
      return within(worker.call(name, given, moved), ending);
    });
  }

  #abortable<T>(signal: AbortSignal | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    return abortable(body(controller.signal), signal, () => {
      controller.abort();
    });
  }

  #picture<Name extends 'png' | 'picture'>(
    name: Name,
    kind: PictureKind,
    signal: AbortSignal | undefined,
  ): Promise<Calls[Name]['value']> {
    return this.#abortable(signal, async (ending) => {
      const { request, moved } = await this.#prepare(kind, ending);
      closeIfCancelled(ending, moved);
      const worker = await this.#maker.worker(this.#worker).catch((error: unknown) => {
        closeAll(moved);
        throw error;
      });
      return within(worker.call(name, { parts: this.#all, request }, moved), ending);
    });
  }

  async #prepare(kind: PictureKind, signal: AbortSignal): Promise<Prepared> {
    switch (kind.kind) {
      case 'mask':
        return { request: { kind: 'mask' }, moved: [] };
      case 'overlay': {
        const { opacity, legend } = checkOverlay(kind.options);
        const { platform } = this.#maker;
        const drawn =
          legend && platform.writeTexts !== undefined && this.#parts.image !== undefined
            ? await platform.writeTexts(await this.#call('legend', { parts: this.#all }, [], signal))
            : legend;
        return { request: { kind: 'overlay', opacity, legend: drawn }, moved: [] };
      }
      case 'cutout': {
        const classes = channelsOf(kind.classes, this.labels);
        const { background, moved } = await this.#send(kind.background, signal);
        return { request: { kind: 'cutout', classes, background }, moved };
      }
    }
  }

  async #send(
    background: BackendBackground | undefined,
    signal: AbortSignal,
  ): Promise<{ background: SentBackground | undefined; moved: readonly Movable[] }> {
    // Without the photo there is no cut-out, and nothing to fetch.
    if (background === undefined || !('image' in background) || this.#parts.image === undefined) {
      return { background: background !== undefined && 'image' in background ? undefined : background, moved: [] };
    }
    const { image, moved } = await this.#maker.platform.readImage(background.image, signal);
    return { background: { image }, moved };
  }
}

function checkOverlay({ opacity = DEFAULT_OPACITY, legend = true }: OverlayOptions): Required<OverlayOptions> {
  if (typeof opacity !== 'number') throw invalidArgument(`opacity is ${describeValue(opacity)}; it must be a number`);
  if (typeof legend !== 'boolean') {
    throw invalidArgument(`legend is ${describeValue(legend)}; it must be true or false`);
  }
  return { opacity, legend };
}
