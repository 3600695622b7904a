import type { BackendSegmentation, OverlayOptions, Polygon, PolygonOptions, Rle, SegmentationInfo } from './backend.js';
import { describeValue, invalidArgument } from './errors.js';

export interface AbortOptions {
  /** Makes the promise reject with the signal's reason as soon as it aborts. */
  signal?: AbortSignal;
}

export interface CutoutOptions extends AbortOptions {
  /** The classes that stay; default: all but background. Those that were asked for in `segment` get soft edges. */
  subject?: readonly (string | number)[];
}

/**
 * The result of one call: the most probable class of every pixel, and a probability map for each class that was asked
 * for. It stays valid after the segmenter is closed. The arrays are the native library's own memory: to hand one to a
 * worker, copy it (`argmax.slice()`) and transfer the copy.
 */
export class Segmentation {
  /** Size of every map, pixels: the model's, or the original's with `resize`. */
  readonly width: number;
  readonly height: number;
  /** Names of the classes; a class's number is its place. */
  readonly labels: readonly string[];
  /** Number of the most probable class of every pixel, row by row from the top left. */
  readonly argmax: Int32Array<ArrayBuffer>;
  /** For each class that was asked for, by label: its probability (0 … 1) at every pixel, in the order of `argmax`. */
  readonly probabilities: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly info: SegmentationInfo;
  readonly #native: BackendSegmentation;

  /** @internal */
  constructor(native: BackendSegmentation) {
    this.width = native.width;
    this.height = native.height;
    this.labels = native.labels;
    this.argmax = native.argmax;
    this.info = native.info;
    this.probabilities = new Map(
      native.classes.map((channel, i) => [
        native.labels[channel] ?? String(channel),
        native.probabilities[i] as Float32Array<ArrayBuffer>,
      ]),
    );
    this.#native = native;
  }

  /** The class map as a PNG with the colours of PASCAL VOC, whose pixel values are the classes' numbers. */
  async toMaskPng(options: AbortOptions = {}): Promise<Uint8Array> {
    return this.#native.maskPng(options.signal);
  }

  /** The photo with every class but background in its colour. Not for results made with `keepImage: false`. */
  async toOverlayPng({ signal, ...options }: OverlayOptions & AbortOptions = {}): Promise<Uint8Array> {
    return this.#native.overlayPng(options, signal);
  }

  /** The photo with everything but the subject transparent. Not for results made with `keepImage: false`. */
  async toCutoutPng({ signal, subject = [] }: CutoutOptions = {}): Promise<Uint8Array> {
    checkClasses(subject, 'subject');
    return this.#native.cutoutPng(subject, signal);
  }

  /** The pixels of a class in the class map, any of the model's, as COCO's run lengths. */
  async toRle(label: string | number, { signal }: AbortOptions = {}): Promise<Rle> {
    checkClasses([label], 'label');
    return this.#native.rle(label, signal);
  }

  /** The pixels of a class in the class map, any of the model's, as polygons. Pixels that share an edge are in one. */
  async toPolygons(label: string | number, options: PolygonOptions & AbortOptions = {}): Promise<Polygon[]> {
    checkClasses([label], 'label');
    const { signal, tolerance, minArea } = options;
    for (const [name, value] of Object.entries({ tolerance, minArea })) {
      if (value !== undefined && (typeof value !== 'number' || !(value >= 0 && value < Infinity))) {
        throw invalidArgument(`${name} is ${describeValue(value)}; it must be a number from 0`);
      }
    }
    return this.#native.polygons(label, options, signal);
  }
}

/** Refuses what can't be a list of classes; whether the model has them, the library knows. */
export function checkClasses(classes: unknown, name: string): asserts classes is readonly (string | number)[] {
  if (!Array.isArray(classes)) throw invalidArgument(`${name} is ${describeValue(classes)}; give an array of classes`);
  for (const item of classes as unknown[]) {
    if (typeof item !== 'string' && !Number.isInteger(item)) {
      throw invalidArgument(`${name} has ${describeValue(item)} in it; name classes by label or number`);
    }
  }
}
