import type { BackendFrame, BackendFrameOptions, BackendImage, ModelDescription } from '../backend.js';
import { invalidArgument } from '../errors.js';
import { within } from './call.js';
import { channelsOf } from './classes.js';
import type { FrameArguments } from './frame.js';
import { closeAll, closeIfCancelled } from './moved.js';
import { sentPixels } from './pixels.js';
import type { Platform, SentImage } from './platform.js';
import type { EngineWorker } from './worker-calls.js';

type Subject = Pick<FrameArguments, 'channels' | 'inverted'>;

/** Frames on the page's side: sent one at a time, with the memory of masks that nobody may look at any more. */
export class FrameCalls {
  readonly #description: ModelDescription;
  readonly #platform: Platform;
  /** Memory of the last mask, and of the one before it. */
  #last: ArrayBuffer | undefined;
  #spare: ArrayBuffer | undefined;
  /** The bitmaps of both. */
  #lastBitmap: ImageBitmap | undefined;
  #spareBitmap: ImageBitmap | undefined;

  constructor(description: ModelDescription, platform: Platform) {
    this.#description = description;
    this.#platform = platform;
  }

  async call(
    worker: EngineWorker,
    frame: BackendImage,
    { subject, ...options }: BackendFrameOptions,
    signal: AbortSignal,
  ): Promise<BackendFrame> {
    const began = performance.now();
    const leave = worker.enter();
    try {
      const chosen = this.#subject(subject);
      const sent = await this.#send(frame);
      closeIfCancelled(signal, sent.moved);
      const { width: frameWidth, height: frameHeight } = sent;
      // The caller may have sent it away.
      const spare = this.#spare?.byteLength ? this.#spare : undefined;
      this.#spare = undefined;
      closeAll([this.#spareBitmap]);
      this.#spareBitmap = undefined;
      const soft = this.#description.channels === 1;
      const given = { image: sent.image, frameWidth, frameHeight, soft, spare, ...chosen, ...options };
      const moved = [...sent.moved, ...(spare === undefined ? [] : [spare])];
      const value = await within(worker.call('frame', given, moved), signal);
      const { width, height, alpha, bitmap, readMs, networkMs } = value;
      this.#spare = this.#last;
      this.#last = alpha.buffer;
      this.#spareBitmap = this.#lastBitmap;
      this.#lastBitmap = bitmap;
      const timings = { readMs, networkMs, totalMs: performance.now() - began };
      return { width, height, frameWidth, frameHeight, alpha, bitmap, timings };
    } finally {
      leave();
    }
  }

  /** As few maps as tell the subject. */
  #subject(names: readonly (string | number)[]): Subject {
    const { labels } = this.#description;
    const channels = channelsOf(names, labels);
    if (channels.length > 0) return { channels, inverted: false };
    const background = labels.findIndex((label) => /^(__)?BACKGROUND\1$/i.test(label));
    if (background < 0) throw invalidArgument('the model has no class BACKGROUND; name the classes of the subject');
    // Of one channel, the foreground is what the network gives.
    if (labels.length === 2) return { channels: [1 - background], inverted: false };
    return { channels: [background], inverted: true };
  }

  #send(frame: BackendImage): Promise<SentImage> | SentImage {
    if (typeof frame === 'object' && 'data' in frame) return sentPixels(frame);
    const platform = this.#platform;
    if (typeof frame === 'string' || !('object' in frame) || platform.readFrame === undefined) {
      throw invalidArgument(
        'a frame is a video, VideoFrame, canvas, ImageBitmap or image of a browser, or pixels; for files and URLs there is segment',
      );
    }
    const { inputWidth, inputHeight } = this.#description;
    return platform.readFrame(frame.object, inputWidth, inputHeight);
  }
}
