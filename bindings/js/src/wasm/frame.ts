/** Masks of a video's frames, on the worker's side: probabilities to alpha, steadied over time. */
import type { EngineMaps } from './engine.js';

export interface FrameArguments {
  /** What {@link Platform.readFrame} gave. */
  readonly image: unknown;
  /** Size of the frame itself. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** Channels whose probabilities are added up. */
  readonly channels: readonly number[];
  /** Whether what is left of 1 counts instead: of all but these channels. */
  readonly inverted: boolean;
  /** Whether the network has one channel, which is an alpha as it is. */
  readonly soft: boolean;
  readonly size: 'model' | 'frame';
  readonly smoothing: number;
  readonly bitmap: boolean;
  /** Memory of an earlier mask, to be used again if its size is right. */
  readonly spare: ArrayBuffer | undefined;
}

export interface FrameValue {
  readonly width: number;
  readonly height: number;
  readonly alpha: Uint8ClampedArray<ArrayBuffer>;
  readonly bitmap: ImageBitmap | undefined;
  readonly readMs: number;
  readonly networkMs: number;
}

/**
 * Of many classes, the network is rarely sure: as alpha, probabilities would leave everything half visible. So the edge lies where
 * the subject is as probable as all else, and is this many times as steep.
 */
const STEEPNESS = 4;

/** Alpha at the network's size, 0 … 1, from one frame to the next. */
export class FrameMask {
  #values = new Float32Array(0);

  /** Takes a frame's probabilities, and gives what is left of the last mask its share. */
  update(maps: EngineMaps, { inverted, soft, smoothing }: FrameArguments): Float32Array {
    const { probabilities } = maps;
    const count = maps.width * maps.height;
    const fresh = this.#values.length !== count;
    if (fresh) this.#values = new Float32Array(count);
    const values = this.#values;
    for (let i = 0; i < count; ++i) {
      let sum = 0;
      for (const map of probabilities) sum += map[i] as number;
      const probability = inverted ? 1 - sum : sum;
      const steep = soft ? probability : 0.5 + (probability - 0.5) * STEEPNESS;
      const alpha = Math.min(1, Math.max(0, steep));
      // How unsure the network is: 1 in the middle, 0 at both ends. An idea of MediaPipe's segmentation smoothing.
      const kept = fresh ? 0 : smoothing * 4 * alpha * (1 - alpha);
      values[i] = alpha + kept * ((values[i] as number) - alpha);
    }
    return values;
  }
}

/** Values of 0 … 1 as bytes. */
export function toBytes(values: Float32Array, to: Uint8ClampedArray): void {
  for (let i = 0; i < to.length; ++i) to[i] = (values[i] as number) * 255;
}

interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/** For each place of a longer line the two of a shorter one that it lies between, and the second's share. */
function taps(from: number, to: number): Taps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const share = new Float32Array(to);
  for (let i = 0; i < to; ++i) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    first[i] = Math.floor(at);
    second[i] = Math.min(from - 1, Math.floor(at) + 1);
    share[i] = at - Math.floor(at);
  }
  return { first, second, share };
}

/** Scales values of 0 … 1 bilinearly to bytes. */
export function scaleToBytes(
  values: Float32Array,
  width: number,
  height: number,
  to: Uint8ClampedArray,
  toWidth: number,
  toHeight: number,
): void {
  const columns = taps(width, toWidth);
  const rows = taps(height, toHeight);
  const line = new Float32Array(width);
  for (let y = 0; y < toHeight; ++y) {
    const upper = (rows.first[y] as number) * width;
    const lower = (rows.second[y] as number) * width;
    const down = rows.share[y] as number;
    for (let x = 0; x < width; ++x) {
      const above = values[upper + x] as number;
      line[x] = 255 * (above + down * ((values[lower + x] as number) - above));
    }
    for (let x = 0, at = y * toWidth; x < toWidth; ++x, ++at) {
      const left = line[columns.first[x] as number] as number;
      to[at] = left + (columns.share[x] as number) * ((line[columns.second[x] as number] as number) - left);
    }
  }
}

/** Bytes for a mask: those of an earlier one if they are as many. */
export function maskBytes(count: number, spare: ArrayBuffer | undefined): Uint8ClampedArray<ArrayBuffer> {
  return spare?.byteLength === count ? new Uint8ClampedArray(spare) : new Uint8ClampedArray(count);
}

/** Makes pictures of masks: white, as opaque as they say. Its pixels are used again. */
export class MaskPicture {
  #pixels: ImageData | undefined;

  bitmap(alpha: Uint8ClampedArray, width: number, height: number): Promise<ImageBitmap> {
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      this.#pixels = new ImageData(width, height);
      this.#pixels.data.fill(255);
    }
    const { data } = this.#pixels;
    for (let i = 0; i < alpha.length; ++i) data[4 * i + 3] = alpha[i] as number;
    return createImageBitmap(this.#pixels);
  }
}
