/** Pixels of a video's frames, on the worker's side. */
import { release } from '../wasm/moved.js';
import type { EngineImage } from '../wasm/parts.js';
import type { SentFrame } from './frame.js';

type Context = OffscreenCanvasRenderingContext2D;

/** What cameras and decoders give. With an alpha it may be multiplied by it or not: canvases know. */
const OPAQUE: readonly string[] = ['I420', 'I422', 'I444', 'NV12', 'RGBX', 'BGRX'];

/** Newer properties than the compiler knows. */
interface Turned {
  readonly rotation?: number;
  readonly flip?: boolean;
}

const isVideoFrame = (frame: VideoFrame | ImageBitmap): frame is VideoFrame =>
  Object.prototype.toString.call(frame) === '[object VideoFrame]';

/** Whether the pixels of a frame, as it has them, are those that are wanted. */
function isPlain(frame: VideoFrame & Turned, width: number, height: number): boolean {
  const { format, visibleRect, displayWidth, displayHeight, rotation = 0, flip = false } = frame;
  return (
    OPAQUE.includes(format ?? '') &&
    rotation === 0 &&
    !flip &&
    visibleRect?.width === width &&
    visibleRect.height === height &&
    displayWidth === width &&
    displayHeight === height
  );
}

/** Keeps what it needs from one frame to the next: memory for pixels, a canvas. */
export class FrameReader {
  readonly #contextOf: (width: number, height: number) => Context;
  #context: Context | undefined;
  /** Memory of pixels that a canvas gave. */
  #drawn: ArrayBufferLike | undefined;
  #copied = new Uint8ClampedArray(0);

  constructor(contextOf: (width: number, height: number) => Context) {
    this.#contextOf = contextOf;
  }

  /** The pixels of a frame on white, scaled; valid until the next call. The frame is closed. */
  async read({ frame, width, height }: SentFrame): Promise<EngineImage> {
    try {
      const plain = isVideoFrame(frame) && isPlain(frame, width, height);
      const copied = plain ? await this.#copy(frame, width, height) : undefined;
      return copied ?? (await this.#draw(frame, width, height));
    } finally {
      frame.close();
    }
  }

  /** Without a canvas; undefined where the browser can't bring frames of this format to RGBA. */
  async #copy(frame: VideoFrame, width: number, height: number): Promise<EngineImage | undefined> {
    const options = { format: 'RGBA', colorSpace: 'srgb' } as VideoFrameCopyToOptions;
    try {
      // Who doesn't know the option gives the frame's own format.
      if (frame.allocationSize(options) !== width * height * 4) return undefined;
      if (this.#copied.length !== width * height * 4) this.#copied = new Uint8ClampedArray(width * height * 4);
      await frame.copyTo(this.#copied, options);
    } catch {
      return undefined;
    }
    return { data: this.#copied, width, height, channels: 4 };
  }

  /**
   * Chromium keeps what it makes of a frame to draw it until the collector comes by, some hundred megabytes; a bitmap of it can be
   * closed.
   */
  async #draw(frame: VideoFrame | ImageBitmap, width: number, height: number): Promise<EngineImage> {
    const context = this.#canvas(width, height);
    const picture = isVideoFrame(frame) ? await createImageBitmap(frame) : frame;
    try {
      context.fillRect(0, 0, width, height);
      context.drawImage(picture, 0, 0, width, height);
    } finally {
      picture.close();
    }
    if (this.#drawn !== undefined) release([this.#drawn]);
    const { data } = context.getImageData(0, 0, width, height);
    this.#drawn = data.buffer;
    return { data, width, height, channels: 4 };
  }

  #canvas(width: number, height: number): Context {
    if (this.#context?.canvas.width === width && this.#context.canvas.height === height) return this.#context;
    const context = this.#contextOf(width, height);
    context.fillStyle = 'white';
    // 'low' leaves pixels out where frames are more than twice as large.
    context.imageSmoothingQuality = 'medium';
    this.#context = context;
    return context;
  }
}
