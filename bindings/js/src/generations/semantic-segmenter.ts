import { classList } from '../class-names.js';
import { describeValue, invalidArgument, optionsOf } from '../errors.js';
import type { ImageInput } from '../image-input.js';
import { isByteArray, isObject } from '../kinds.js';
import type { ResourceSource } from '../resource.js';
import type { ProbabilityMaps, Segmentation } from '../segmentation.js';
import { Segmenter } from '../segmenter.js';
import { nextTurn } from '../turns.js';
import { reportingAsRn, RnExecuTorchError } from './rn-errors.js';

/** An image in memory: rows from the top, the channels of a pixel next to each other. */
export interface ImageBuffer {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly format: 'rgb' | 'rgba' | 'bgr' | 'bgra' | 'gray';
  readonly layout: 'hwc';
}

export type InterpolationMethod = 'nearest' | 'area' | 'cubic' | 'lanczos' | 'linear';

/** `pixel × alpha + beta` for pixels of 0 … 255; one number, or one each for red, green and blue. */
export interface NormalizeOptions {
  /** Default: 1 / 255. */
  readonly alpha?: number | readonly number[];
  /** Default: 0. */
  readonly beta?: number | readonly number[];
}

export interface SemanticSegmenterOptions<L> {
  readonly resizeMode: 'stretch';
  /**
   * How the image is brought to the model's size. `'linear'`: from the four pixels around, as OpenCV does. `'area'`,
   * `'cubic'` and `'lanczos'`: from all pixels that there are, bilinear with antialiasing. `'nearest'` is refused.
   */
  readonly interpolation: InterpolationMethod;
  readonly normalizeOpts: NormalizeOptions;
  /**
   * Accepted and not needed: react-native-executorch resizes a picture of the finished classes, here the network's scores are
   * resized and classes decided after that, so that edges are no stairs.
   */
  readonly outInterpolation: InterpolationMethod;
  readonly labels: readonly L[];
}

export interface SemanticSegmenterModel<L> {
  /** A path or URL of a `.pte` file, or a constant of this package. */
  readonly modelPath: string;
  readonly modelOpts: SemanticSegmenterOptions<L>;
}

export type Color = readonly [red: number, green: number, blue: number, alpha: number];
/** A colour for each class, 0 … 255. */
export type ColorMap<L extends PropertyKey> = Record<L, Color>;

export interface SegmentMoreOptions<L> {
  /** Classes whose probability maps are wanted. Default: none; of a model of one channel, the foreground. */
  readonly classes?: readonly L[];
  /** Ends the wait for a turn or the call. */
  readonly signal?: AbortSignal | null;
}

export interface SemanticSegmentationResult<L extends PropertyKey> {
  /** RGBA of the input's size: every pixel in the colour of its class; of a model of one channel its probability in grey. */
  readonly buffer: ImageBuffer;
  /** The colours that were used. Undefined for a model of one channel. */
  readonly colormap: ColorMap<L> | undefined;
  /** Number of the most probable class of every pixel: its place among the labels. Not in react-native-executorch. */
  readonly classMap: Int32Array<ArrayBuffer>;
  /** Probabilities (0 … 1) of every pixel for the classes that were asked for. Not in react-native-executorch. */
  readonly probabilities: ProbabilityMaps;
}

export interface SemanticSegmenter<L extends PropertyKey = string> {
  /**
   * Segments an image. `colormap`: colours of classes, those left out are transparent; default: the first class transparent,
   * the others as different as can be. Calls above two at a time wait for their turn. Rejects with a
   * {@link RnExecuTorchError}; after `dispose` with the code `RESOURCE_DISPOSED`.
   */
  readonly segment: (
    input: ImageBuffer,
    colormap?: Partial<ColorMap<L>> | null,
    options?: SegmentMoreOptions<L>,
  ) => Promise<SemanticSegmentationResult<L>>;
  /** There are no worklets here: throws `INVALID_STATE`. */
  readonly segmentWorklet: (input: ImageBuffer, colormap?: Partial<ColorMap<L>>) => never;
  /** Frees the model as soon as no running call uses it. */
  readonly dispose: () => void;
}

/** Pixels that are coloured before the event loop gets its turn. */
const PIXELS_AT_A_TIME = 1 << 18;

function checkOneOf(value: unknown, name: string, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw invalidArgument(`${name} is ${describeValue(value)}; it may be ${choices.map((c) => `'${c}'`).join(', ')}`);
}

function triple(value: unknown, name: string, otherwise: number): [number, number, number] {
  const given = value ?? otherwise;
  const numbers: unknown[] = Array.isArray(given) ? [...(given as unknown[])] : [given, given, given];
  if (numbers.length === 3 && numbers.every((n) => typeof n === 'number' && Number.isFinite(n))) {
    return numbers as [number, number, number];
  }
  throw invalidArgument(`normalizeOpts.${name} is ${describeValue(value)}; give a number, or one each for RGB`);
}

/** What `(pixel / 255 − mean) / std` needs to be `pixel × alpha + beta`. */
function normalization(options: NormalizeOptions): { mean: [number, number, number]; std: [number, number, number] } {
  const alpha = triple(options.alpha, 'alpha', 1 / 255);
  const beta = triple(options.beta, 'beta', 0);
  const std = alpha.map((a) => {
    if (a > 0) return 1 / (255 * a);
    throw invalidArgument(`normalizeOpts.alpha has ${String(a)} in it; it must be above 0`);
  }) as [number, number, number];
  return { std, mean: beta.map((b, i) => -b * (std[i] as number)) as [number, number, number] };
}

/** Red and blue change places, alpha goes: the reference doesn't look at it either. */
function toRgb(data: Uint8Array, channels: number, reversed: boolean): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(3 * pixels);
  const [red, blue] = reversed ? [2, 0] : [0, 2];
  for (let i = 0, from = 0, to = 0; i < pixels; ++i, from += channels, to += 3) {
    rgb[to] = data[from + red] as number;
    rgb[to + 1] = data[from + 1] as number;
    rgb[to + 2] = data[from + blue] as number;
  }
  return rgb;
}

const CHANNELS = { rgb: 3, rgba: 4, bgr: 3, bgra: 4, gray: 1 } as const;

function toPixels(input: unknown): ImageInput & { width: number; height: number } {
  if (!isObject(input)) throw invalidArgument(`an image is ${describeValue(input)}; give an ImageBuffer`);
  const { data, width, height, format, layout } = input as Partial<ImageBuffer>;
  checkOneOf(format, "the image's format", Object.keys(CHANNELS));
  if (layout !== undefined) checkOneOf(layout, "the image's layout", ['hwc']);
  const known = format as ImageBuffer['format'];
  const channels = CHANNELS[known];
  const isSize = (n: unknown): n is number => typeof n === 'number' && Number.isInteger(n) && n > 0;
  if (!isByteArray(data) || !isSize(width) || !isSize(height) || data.length !== width * height * channels) {
    throw invalidArgument(
      `an image of ${String(width)} × ${String(height)} in ${known} has ${String(channels)} bytes a pixel as a Uint8Array; ` +
        `its data is ${isByteArray(data) ? `${String(data.length)} bytes` : describeValue(data)}`,
    );
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (known === 'rgb' || known === 'gray') return { data: bytes, width, height, channels };
  return { data: toRgb(bytes, channels, known.startsWith('b')), width, height, channels: 3 };
}

/** Colours far from each other: hues that are apart by the golden angle, the first class transparent. */
function defaultColor(i: number): Color {
  if (i === 0) return [0, 0, 0, 0];
  const hue = (i * 137.5) % 360;
  const amplitude = 0.95 * 0.5;
  const part = (shift: number): number => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (0.5 - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4), 255];
}

function isColor(value: unknown): value is Color {
  return Array.isArray(value) && value.length === 4 && value.every((v) => Number.isInteger(v) && v >= 0 && v <= 255);
}

function colorsOf<L extends PropertyKey>(
  labels: readonly L[],
  given: Partial<ColorMap<L>> | null | undefined,
): Color[] {
  if (given === undefined || given === null) return labels.map((_, i) => defaultColor(i));
  if (!isObject(given)) throw invalidArgument(`colormap is ${describeValue(given)}; give { label: [r, g, b, a], … }`);
  const unknown = Object.keys(given).find((label) => !labels.map(String).includes(label));
  if (unknown !== undefined) {
    throw invalidArgument(`colormap has a colour for '${unknown}'; the labels are ${labels.map(String).join(', ')}`);
  }
  return labels.map((label) => {
    const color: unknown = given[label] ?? [0, 0, 0, 0];
    if (isColor(color)) return color;
    throw invalidArgument(`the colour of '${String(label)}' is ${describeValue(color)}; give four numbers of 0 … 255`);
  });
}

/** Writes four bytes for every value, and lets other events have their turn in between. */
async function paint(count: number, write: (bytes: Uint8Array, i: number) => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(4 * count);
  for (let from = 0; from < count; from += PIXELS_AT_A_TIME) {
    const to = Math.min(from + PIXELS_AT_A_TIME, count);
    for (let i = from; i < to; ++i) write(bytes, i);
    if (to < count) await nextTurn();
  }
  return bytes;
}

function paintClasses(classMap: Int32Array, colors: readonly Color[]): Promise<Uint8Array> {
  const flat = Uint8Array.from(colors.flat());
  return paint(classMap.length, (bytes, i) => {
    const from = 4 * (classMap[i] as number);
    for (let c = 0; c < 4; ++c) bytes[4 * i + c] = flat[from + c] as number;
  });
}

function paintProbability(map: Float32Array): Promise<Uint8Array> {
  return paint(map.length, (bytes, i) => {
    bytes.fill(Math.round(255 * (map[i] as number)), 4 * i, 4 * i + 3);
    bytes[4 * i + 3] = 255;
  });
}

function checkConfig<L>(config: unknown): SemanticSegmenterModel<L> {
  const { modelPath, modelOpts } = optionsOf(config as SemanticSegmenterModel<L> | null, 'createSemanticSegmenter');
  const options = optionsOf(modelOpts, 'modelOpts');
  const methods = ['linear', 'area', 'cubic', 'lanczos'];
  checkOneOf(options.resizeMode, 'resizeMode', ['stretch']);
  checkOneOf(options.interpolation, 'interpolation', methods);
  checkOneOf(options.outInterpolation, 'outInterpolation', [...methods, 'nearest']);
  if (!Array.isArray(options.labels)) {
    throw invalidArgument(`labels is ${describeValue(options.labels)}; give an array of names`);
  }
  return { modelPath, modelOpts: options };
}

/** How {@link createSemanticSegmenter} loads, for those who want to hear of it. */
export interface LoadMoreOptions {
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Loads a model as in react-native-executorch 0.10, downloading it first if it has to be. Rejects with a
 * {@link RnExecuTorchError}: `LOAD_FAILED`, `SCHEMA_MISMATCH`, `INVALID_ARGUMENT` (also if there are not as many labels as
 * classes), `DOWNLOAD_FAILED`, `DOWNLOAD_ABORTED`. New programs are better off with {@link Segmenter}.
 */
export function createSemanticSegmenter<const L extends PropertyKey = string>(
  config: SemanticSegmenterModel<L>,
  options: LoadMoreOptions = {},
): Promise<SemanticSegmenter<L>> {
  return reportingAsRn('load', async () => {
    const { modelPath, modelOpts } = checkConfig<L>(config);
    const { labels, interpolation, normalizeOpts } = modelOpts;
    const resource: ResourceSource = {
      modelSource: modelPath,
      labels: labels.map(String),
      ...normalization(optionsOf(normalizeOpts, 'normalizeOpts')),
    };
    const segmenter = await Segmenter.load(resource, options);
    return makeSegmenter(segmenter, labels, interpolation === 'linear' ? 'linear' : 'antialias');
  });
}

function makeSegmenter<L extends PropertyKey>(
  segmenter: Segmenter,
  labels: readonly L[],
  filter: 'linear' | 'antialias',
): SemanticSegmenter<L> {
  // Of one channel a segmenter makes a background and a foreground.
  const hasOneChannel = segmenter.description.channels === 1 && segmenter.description.labels.length === 2;
  const foreground = 1;

  const segment: SemanticSegmenter<L>['segment'] = (input, colormap, options) =>
    reportingAsRn('segment', async () => {
      const { classes, signal } = optionsOf(options, 'segment');
      const image = toPixels(input);
      const { width, height } = image;
      const colors = colorsOf(labels, colormap);
      const wanted = classList(classes ?? [], 'classes').map(String);
      const result: Segmentation = await segmenter.segment(image, {
        classes: hasOneChannel ? [...wanted, foreground] : wanted,
        resize: true,
        filter,
        keepImage: false,
        signal: signal ?? null,
      });
      const { argmax, probabilities } = result;
      const data = hasOneChannel
        ? await paintProbability(probabilities.get(foreground) as Float32Array)
        : await paintClasses(argmax, colors);
      return {
        buffer: { data, width, height, format: 'rgba', layout: 'hwc' },
        colormap: hasOneChannel
          ? undefined
          : (Object.fromEntries(labels.map((label, i) => [label, colors[i]])) as ColorMap<L>),
        classMap: argmax,
        probabilities,
      };
    });

  return {
    segment,
    segmentWorklet: () => {
      throw new RnExecuTorchError(
        'INVALID_STATE',
        'there are no worklets outside of React Native; await segment instead',
      );
    },
    dispose: () => {
      segmenter.close();
    },
  };
}
