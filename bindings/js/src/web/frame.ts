import { invalidArgument, messageOf } from '../errors.js';
import type { SentImage } from '../wasm/platform.js';
import { bitmapOf, sizeOfPicture } from './image.js';

/** A frame on its way to a worker, which is to draw it at this size. */
export interface SentFrame {
  readonly frame: VideoFrame | ImageBitmap;
  readonly width: number;
  readonly height: number;
}

/**
 * Frames of so many pixels reach the engine as they are: its filter is better than a canvas's, and reading them costs a
 * millisecond. Larger ones are brought to twice the network's size before: of what is more, little would be left.
 */
const MOST_PIXELS = 640 * 480;
const MOST_TIMES = 2;

function sizeToSend(width: number, height: number, modelWidth: number, modelHeight: number): [number, number] {
  if (width * height <= MOST_PIXELS) return [width, height];
  return [Math.min(width, MOST_TIMES * modelWidth), Math.min(height, MOST_TIMES * modelHeight)];
}

const tagOf = (value: object): string => Object.prototype.toString.call(value);

/** A handle of the frame that may be sent away: no pixels are copied. Not of what the browser can't make one of. */
function handleOf(frame: object): VideoFrame | undefined {
  if (typeof VideoFrame !== 'function') return undefined;
  const tag = tagOf(frame);
  if (tag === '[object VideoFrame]') return (frame as VideoFrame).clone();
  if (tag !== '[object HTMLVideoElement]') return undefined;
  try {
    return new VideoFrame(frame as HTMLVideoElement);
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name !== 'SecurityError') return undefined;
    throw invalidArgument(
      `the video is of another site, which this page may not read: load it with crossorigin="anonymous" from a server that ` +
        `allows it (CORS) (${messageOf(error)})`,
      { cause: error },
    );
  }
}

/** What `Platform.readFrame` does. */
export async function readFrame(frame: object, modelWidth: number, modelHeight: number): Promise<SentImage> {
  const began = performance.now();
  const { width: frameWidth, height: frameHeight } = sizeOfPicture(frame);
  const [width, height] = sizeToSend(frameWidth, frameHeight, modelWidth, modelHeight);
  const scaled: ImageBitmapOptions =
    width === frameWidth && height === frameHeight
      ? {}
      : { resizeWidth: width, resizeHeight: height, resizeQuality: 'medium' };
  const handle = handleOf(frame) ?? (await bitmapOf(frame, scaled));
  const image: SentFrame = { frame: handle, width, height };
  const readMs = performance.now() - began;
  return { image, moved: [handle], width: frameWidth, height: frameHeight, readMs, decodeMs: 0 };
}
