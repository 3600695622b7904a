import type {
  BackendCall,
  BackendFrame,
  BackendFrameOptions,
  BackendImage,
  BackendModel,
  BackendSegmentation,
  BackendSegmentOptions,
  ModelDescription,
} from '../backend.js';
import { SegmentationError } from '../errors.js';
import { callOf, within } from './call.js';
import { channelsOf } from './classes.js';
import { FrameCalls } from './frame-calls.js';
import { closeIfCancelled } from './moved.js';
import { WasmSegmentation, type ResultMaker } from './segmentation.js';
import type { EngineWorker } from './worker-calls.js';

// A model that a program forgot to close: its worker knows nothing of it, or it would live as long.
const forgotten = new FinalizationRegistry<EngineWorker>((worker) => {
  worker.close();
});

/** A model in a worker of its own. */
export class WasmModel implements BackendModel {
  readonly description: ModelDescription;
  readonly #maker: ResultMaker;
  #worker: EngineWorker | undefined;
  readonly #frames: FrameCalls;

  constructor(description: ModelDescription, worker: EngineWorker, maker: ResultMaker) {
    this.description = description;
    this.#worker = worker;
    this.#maker = maker;
    this.#frames = new FrameCalls(description, maker.platform);
    forgotten.register(this, worker, this);
  }

  segment(
    image: BackendImage,
    classes: readonly (string | number)[],
    options: BackendSegmentOptions,
  ): BackendCall<BackendSegmentation> {
    const worker = this.worker;
    return callOf((signal) => this.#segment(worker, image, classes, options, signal));
  }

  segmentFrame(frame: BackendImage, options: BackendFrameOptions): BackendCall<BackendFrame> {
    const worker = this.worker;
    return callOf((signal) => this.#frames.call(worker, frame, options, signal));
  }

  /** The model's worker. */
  get worker(): EngineWorker {
    if (this.#worker !== undefined) return this.#worker;
    throw new SegmentationError('MODEL_NOT_LOADED', 'the model was closed; load it again');
  }

  async #segment(
    worker: EngineWorker,
    image: BackendImage,
    names: readonly (string | number)[],
    { resize = false, filter = 'antialias', keepImage = false }: BackendSegmentOptions,
    signal: AbortSignal,
  ): Promise<BackendSegmentation> {
    const { labels, source, engine, engineReason } = this.description;
    const leave = worker.enter();
    try {
      const classes = channelsOf(names, labels);
      const began = performance.now();
      const sent = await this.#maker.platform.readImage(image, signal);
      closeIfCancelled(signal, sent.moved);
      const given = { image: sent.image, classes, resize, filter: filter as 'antialias' | 'linear', keepImage };
      const maps = await within(worker.call('segment', given, sent.moved), signal);
      const info = {
        model: source,
        engine,
        engineReason,
        imageWidth: sent.width,
        imageHeight: sent.height,
        timings: { readMs: sent.readMs, decodeMs: sent.decodeMs, ...maps.timings, totalMs: performance.now() - began },
      };
      return new WasmSegmentation(maps, labels, info, worker, this.#maker);
    } finally {
      leave();
    }
  }

  unload(): void {
    forgotten.unregister(this);
    this.#worker?.close();
    this.#worker = undefined;
  }
}
