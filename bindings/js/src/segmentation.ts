import type {
  BackendSegmentation,
  OverlayOptions,
  PictureKind,
  Polygon,
  PolygonOptions,
  Rle,
  SegmentationInfo,
} from './backend.js';
import { abortable, signalOf } from './abort.js';
import { readBackdrop, type Backdrop } from './backdrop.js';
import { classList, classOf, ClassNames } from './class-names.js';
import type { Dom } from './dom.js';
import { describeValue, invalidArgument, optionsOf, reporting } from './errors.js';
import { Outline, RunLengths } from './shapes.js';

export type { Backdrop } from './backdrop.js';

export interface AbortOptions {
  /** Makes the promise reject with the signal's reason as soon as it aborts. */
  signal?: AbortSignal | null;
}

export interface CutoutOptions extends AbortOptions {
  /** The classes that stay; default: all but background. Of models of one channel edges follow the photo. */
  subject?: readonly (string | number)[];
  /** What lies behind; default: nothing, the picture is transparent there. */
  background?: Backdrop | null;
}

/** Probability maps by label. `get` and `has` take a class's number too, and its label in any case. */
export interface ProbabilityMaps extends ReadonlyMap<string, Float32Array<ArrayBuffer>> {
  get(label: string | number): Float32Array<ArrayBuffer> | undefined;
  has(label: string | number): boolean;
}

class Maps extends Map<string, Float32Array<ArrayBuffer>> implements ProbabilityMaps {
  readonly #names: ClassNames;

  constructor(names: ClassNames, entries: [string, Float32Array<ArrayBuffer>][]) {
    super(entries);
    this.#names = names;
  }

  override get(label: string | number): Float32Array<ArrayBuffer> | undefined {
    return super.get(this.#names.key(label) ?? '');
  }

  override has(label: string | number): boolean {
    return this.get(label) !== undefined;
  }
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
  /** Numbers of the classes that were asked for, ascending: those of `probabilities`, in its order. */
  readonly classes: readonly number[];
  /**
   * For each class that was asked for, by label: its probability (0 … 1) at every pixel, in the order of `argmax`.
   */
  readonly probabilities: ProbabilityMaps;
  readonly info: SegmentationInfo;
  readonly #native: BackendSegmentation;
  readonly #names: ClassNames;

  /** @internal */
  constructor(native: BackendSegmentation) {
    this.width = native.width;
    this.height = native.height;
    this.labels = native.labels;
    this.argmax = native.argmax;
    this.info = native.info;
    this.classes = native.classes;
    this.#names = new ClassNames(native.labels);
    this.probabilities = new Maps(
      this.#names,
      native.classes.map((channel, i) => [
        this.#names.labels[channel] ?? String(channel),
        native.probabilities[i] as Float32Array<ArrayBuffer>,
      ]),
    );
    this.#native = native;
  }

  /** The class map as a PNG with the colours of PASCAL VOC, whose pixel values are the classes' numbers. */
  toMaskPng(options: AbortOptions | null = {}): Promise<Uint8Array> {
    return reporting(async () => this.#native.maskPng(signalOf(optionsOf(options, 'toMaskPng').signal)));
  }

  /** The photo with every class but background in its colour. Not for results made with `keepImage: false`. */
  toOverlayPng(options: (OverlayOptions & AbortOptions) | null = {}): Promise<Uint8Array> {
    return reporting(async () => {
      const read = optionsOf(options, 'toOverlayPng');
      return this.#native.overlayPng(overlayKind(read).options, signalOf(read.signal));
    });
  }

  /** The photo with everything but the subject transparent. Not for results made with `keepImage: false`. */
  toCutoutPng(options: CutoutOptions | null = {}): Promise<Uint8Array> {
    return reporting(async () => {
      const read = optionsOf(options, 'toCutoutPng');
      const { classes, background } = await this.#cutoutKind(read);
      return this.#native.cutoutPng(classes, background, signalOf(read.signal));
    });
  }

  /** `toMaskPng` as pixels: opaque, in the colours of PASCAL VOC. In browsers, as all that give `ImageData` or `ImageBitmap`. */
  toMaskImageData(options: AbortOptions | null = {}): Promise<Dom<'ImageData'>> {
    return reporting(() => this.#pixels('toMaskImageData', options, maskKind));
  }

  /** `toOverlayPng` as pixels. */
  toOverlayImageData(options: (OverlayOptions & AbortOptions) | null = {}): Promise<Dom<'ImageData'>> {
    return reporting(() => this.#pixels('toOverlayImageData', options, overlayKind));
  }

  /** `toCutoutPng` as pixels; their colours aren't multiplied by alpha. */
  toCutoutImageData(options: CutoutOptions | null = {}): Promise<Dom<'ImageData'>> {
    return reporting(() => this.#pixels('toCutoutImageData', options, (given) => this.#cutoutKind(given)));
  }

  /** `toMaskPng` as a bitmap, for canvases and WebGL; whoever gets it closes it. */
  toMaskImageBitmap(options: AbortOptions | null = {}): Promise<Dom<'ImageBitmap'>> {
    return reporting(async () => createImageBitmap(await this.#pixels('toMaskImageBitmap', options, maskKind)));
  }

  /** `toOverlayPng` as a bitmap. */
  toOverlayImageBitmap(options: (OverlayOptions & AbortOptions) | null = {}): Promise<Dom<'ImageBitmap'>> {
    return reporting(async () => createImageBitmap(await this.#pixels('toOverlayImageBitmap', options, overlayKind)));
  }

  /** `toCutoutPng` as a bitmap. */
  toCutoutImageBitmap(options: CutoutOptions | null = {}): Promise<Dom<'ImageBitmap'>> {
    return reporting(async () =>
      createImageBitmap(await this.#pixels('toCutoutImageBitmap', options, (given) => this.#cutoutKind(given))),
    );
  }

  async #cutoutKind({ signal, subject, background }: CutoutOptions): Promise<PictureKind & { kind: 'cutout' }> {
    const checked = signalOf(signal);
    const classes = classList(subject ?? [], 'subject').map((label) => this.#names.resolve(label));
    const behind = await abortable(readBackdrop(background, checked), checked, () => undefined);
    return { kind: 'cutout', classes, background: behind };
  }

  async #pixels<T extends AbortOptions>(
    method: string,
    options: T | null,
    kindOf: (options: T) => PictureKind | Promise<PictureKind>,
  ): Promise<ImageData> {
    const read = optionsOf(options, method);
    const signal = signalOf(read.signal);
    if (this.#native.picture === undefined || typeof ImageData === 'undefined') {
      const png = method.replace(/Image(Data|Bitmap)$/, 'Png');
      throw invalidArgument(`${method} needs a browser, which has ImageData; use ${png} here`);
    }
    const { data, width, height } = await this.#native.picture(await kindOf(read), signal);
    return new ImageData(new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height);
  }

  /** The pixels of a class in the class map, any of the model's, as COCO's run lengths. */
  toRle(label: string | number, options: AbortOptions | null = {}): Promise<Rle> {
    return reporting(async () => {
      const channel = this.#names.resolve(classOf(label, 'label'));
      return new RunLengths(await this.#native.rle(channel, signalOf(optionsOf(options, 'toRle').signal)));
    });
  }

  /** The pixels of a class in the class map, any of the model's, as polygons. Pixels that share an edge are in one. */
  toPolygons(label: string | number, options: (PolygonOptions & AbortOptions) | null = {}): Promise<Polygon[]> {
    return reporting(async () => {
      const channel = this.#names.resolve(classOf(label, 'label'));
      const { signal, tolerance, minArea } = optionsOf(options, 'toPolygons');
      const checked: PolygonOptions = {};
      if (given(tolerance)) checked.tolerance = fromZero(tolerance, 'tolerance');
      if (given(minArea)) checked.minArea = fromZero(minArea, 'minArea');
      const polygons = await this.#native.polygons(channel, checked, signalOf(signal));
      return polygons.map((polygon) => new Outline(polygon));
    });
  }

  /** Everything that is known without pixels and calls; the maps are too large for text. */
  toJSON(): object {
    const { width, height, labels, classes, info } = this;
    return { width, height, labels, classes, info };
  }
}

const maskKind = (): PictureKind => ({ kind: 'mask' });

function overlayKind({ opacity, legend }: OverlayOptions): PictureKind & { kind: 'overlay' } {
  const options: OverlayOptions = {};
  if (given(opacity)) options.opacity = opacity;
  if (given(legend)) options.legend = legend;
  return { kind: 'overlay', options };
}

function given<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function fromZero(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
    throw invalidArgument(`${name} is ${describeValue(value)}; it must be a number from 0`);
  }
  return value;
}
