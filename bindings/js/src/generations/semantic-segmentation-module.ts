import { describeValue, invalidArgument, optionsOf, reporting } from '../errors.js';
import type { ImageInput } from '../image-input.js';
import { isObject } from '../kinds.js';
import {
  MODEL_CONSTANTS,
  SELFIE_SEGMENTATION,
  SELFIE_SEGMENTATION_EMBEDDED,
  SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
  type ModelConstant,
} from '../models.js';
import type { ModelConfig, ResourceSource } from '../resource.js';
import { Segmenter } from '../segmenter.js';
import { labelsOf, SelfieSegmentationLabel, VOC_LABELS, type LabelEnum, type VocLabels } from './label-maps.js';

/** The networks among them that know the classes of PASCAL VOC. */
export type VocNetwork =
  | 'deeplab-v3-resnet50'
  | 'deeplab-v3-resnet101'
  | 'deeplab-v3-mobilenet-v3-large'
  | 'lraspp-mobilenet-v3-large'
  | 'fcn-resnet50'
  | 'fcn-resnet101';

const VOC_NETWORKS: readonly VocNetwork[] = [
  'deeplab-v3-resnet50',
  'deeplab-v3-resnet101',
  'deeplab-v3-mobilenet-v3-large',
  'lraspp-mobilenet-v3-large',
  'fcn-resnet50',
  'fcn-resnet101',
];

/** The models that react-native-executorch 0.8 and 0.9 know by name. */
export type SemanticSegmentationModelName = VocNetwork | `${VocNetwork}-quantized` | 'selfie-segmentation';

/** A model by name, and where it comes from. The constants of this package may stand for the whole or for the source. */
export type SemanticSegmentationModelSources =
  { modelName: SemanticSegmentationModelName; modelSource: ResourceSource } | ModelConstant;

/** What a model of one's own is told by. */
export interface SemanticSegmentationConfig<L extends LabelEnum> {
  /** The classes and their channels. A model of one channel has a first class, the foreground, and a second, the rest. */
  labelMap: L;
  preprocessorConfig?: {
    /** Per-channel normalisation, RGB on the scale 0 … 1: `(pixel / 255 − mean) / std`. Default: none. */
    normMean?: readonly [number, number, number];
    normStd?: readonly [number, number, number];
  };
}

/** The label map of a model that is known by name. */
export type SegmentationLabels<C> = C extends
  | 'selfie-segmentation'
  | typeof SELFIE_SEGMENTATION
  | typeof SELFIE_SEGMENTATION_EMBEDDED
  | typeof SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED
  | { modelName: 'selfie-segmentation' }
  ? typeof SelfieSegmentationLabel
  : VocLabels;

/** RGB pixels as react-native-executorch has them: `sizes` is height, width and 3. */
export interface TensorPixels {
  readonly dataPtr: Uint8Array;
  readonly sizes: readonly number[];
  /** 0, for bytes. */
  readonly scalarType?: number;
}

/** A class map under `ARGMAX`, and a probability map (0 … 1) under each label that was asked for. */
export type SemanticMaps<K extends PropertyKey> = { ARGMAX: Int32Array } & Record<K, Float32Array>;

/** ImageNet's, which the networks of torchvision were trained with. */
const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;

const SELFIES: readonly string[] = [
  SELFIE_SEGMENTATION,
  SELFIE_SEGMENTATION_EMBEDDED,
  SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
];

/** Whether this package knows labels and normalisation of a source by itself. */
function isConstant(source: unknown): source is ModelConstant {
  return typeof source === 'string' && (MODEL_CONSTANTS as readonly string[]).includes(source);
}

interface Named {
  labelMap: LabelEnum;
  resource: ResourceSource;
}

function named(model: unknown): Named {
  if (isConstant(model)) {
    const isSelfie = SELFIES.includes(model);
    return { labelMap: isSelfie ? SelfieSegmentationLabel : VOC_LABELS, resource: model };
  }
  if (!isObject(model) || !('modelName' in model)) {
    throw invalidArgument(`a model is ${describeValue(model)}; give a constant or { modelName, modelSource }`);
  }
  const { modelName, modelSource } = model as { modelName: unknown; modelSource?: unknown };
  const isSelfie = modelName === 'selfie-segmentation';
  if (!isSelfie && !VOC_NETWORKS.some((network) => modelName === network || modelName === `${network}-quantized`)) {
    const known = [...VOC_NETWORKS, 'selfie-segmentation'].map((name) => `'${name}'`).join(', ');
    throw invalidArgument(
      `modelName is ${describeValue(modelName)}; it may be ${known}, or the networks' names with '-quantized' behind`,
    );
  }
  if (isSelfie) return { labelMap: SelfieSegmentationLabel, resource: modelSource as ResourceSource };
  const resource = isConstant(modelSource)
    ? modelSource
    : ({ modelSource, mean: MEAN, std: STD } as unknown as ModelConfig);
  return { labelMap: VOC_LABELS, resource };
}

/** What a segmenter takes for an image as react-native-executorch has it. */
function toInput(input: unknown): ImageInput {
  if (!isObject(input) || !('dataPtr' in input)) return input as ImageInput;
  const { dataPtr, sizes } = input as { dataPtr: unknown; sizes?: unknown };
  const [height, width, channels, ...more] = Array.isArray(sizes) ? (sizes as unknown[]) : [];
  if (channels !== 3 || more.length > 0) {
    throw invalidArgument(`the image's sizes must be [height, width, 3]; they are ${describeValue(sizes)}`);
  }
  return { data: dataPtr, width, height, channels } as ImageInput;
}

/**
 * One model, as in react-native-executorch 0.8 and 0.9: a program written for its `SemanticSegmentationModule` runs
 * unchanged. New programs are better off with {@link Segmenter}.
 *
 * `T` is the model's name or its label map.
 */
export class SemanticSegmentationModule<T = LabelEnum> {
  readonly #segmenter: Segmenter;
  /** What the label map calls each of the segmenter's channels. */
  readonly #labels: readonly string[];
  /** For each of the segmenter's channels its number in the label map, where these differ. */
  readonly #numbers: Int32Array | undefined;
  declare private readonly labels?: T;

  private constructor(segmenter: Segmenter, labels: readonly string[]) {
    this.#segmenter = segmenter;
    // Of one channel a segmenter makes two classes, of which the foreground is the second; here it is the first.
    const isTurned = segmenter.description.channels === 1 && labels.length === 2;
    this.#labels = isTurned ? [...labels].reverse() : labels;
    this.#numbers = isTurned ? Int32Array.of(1, 0) : undefined;
  }

  static async #load<T>(
    resource: ResourceSource,
    labels: readonly string[],
    onDownloadProgress: ((progress: number) => void) | undefined,
    signal?: AbortSignal,
  ): Promise<SemanticSegmentationModule<T>> {
    const source = isObject(resource) && 'modelSource' in resource ? resource : { modelSource: resource };
    const segmenter = await Segmenter.load(
      { ...source, labels },
      { ...(onDownloadProgress && { onProgress: onDownloadProgress }), ...(signal && { signal }) },
    );
    return new SemanticSegmentationModule<T>(segmenter, labels);
  }

  /**
   * Loads a model that is known by name, downloading it first if it has to be. `onDownloadProgress` hears fractions from 0
   * to 1.
   */
  static fromModelName<const C extends SemanticSegmentationModelSources>(
    namedSources: C,
    onDownloadProgress?: (progress: number) => void,
    /** @internal */
    signal?: AbortSignal,
  ): Promise<SemanticSegmentationModule<SegmentationLabels<C>>> {
    return reporting(() => {
      const { labelMap, resource } = named(namedSources);
      return SemanticSegmentationModule.#load(resource, labelsOf(labelMap), onDownloadProgress, signal);
    });
  }

  /** Loads a model of one's own. `INVALID_ARGUMENT` if it hasn't as many channels as there are labels. */
  static fromCustomModel<const L extends LabelEnum>(
    modelSource: ResourceSource,
    config: SemanticSegmentationConfig<L>,
    onDownloadProgress?: (progress: number) => void,
  ): Promise<SemanticSegmentationModule<L>> {
    return reporting(() => {
      const { labelMap, preprocessorConfig } = optionsOf(config, 'fromCustomModel');
      const { normMean, normStd } = optionsOf(preprocessorConfig, 'preprocessorConfig');
      const resource = { modelSource, mean: normMean ?? [0, 0, 0], std: normStd ?? [1, 1, 1] };
      return SemanticSegmentationModule.#load(resource, labelsOf(labelMap), onDownloadProgress);
    });
  }

  /**
   * Segments an image: an http(s) URL, a `file://` URI, a path, base64 text, RGB pixels, or whatever {@link Segmenter}
   * takes. The maps have the image's size, or with `resizeToInput: false` the model's.
   */
  forward<const K extends keyof T = never>(
    input: string | TensorPixels | ImageInput,
    classesOfInterest: readonly K[] = [],
    resizeToInput = true,
  ): Promise<SemanticMaps<K>> {
    return reporting(() => this.#forward(input, classesOfInterest, resizeToInput));
  }

  async #forward<K extends PropertyKey>(
    input: unknown,
    classesOfInterest: readonly K[],
    resize: boolean,
  ): Promise<SemanticMaps<K>> {
    if (!Array.isArray(classesOfInterest)) {
      throw invalidArgument(`classesOfInterest is ${describeValue(classesOfInterest)}; give an array of labels`);
    }
    const classes = (classesOfInterest as readonly unknown[]).map((label) => {
      const channel = this.#labels.indexOf(label as string);
      if (channel >= 0) return channel;
      throw invalidArgument(`the model has no class ${describeValue(label)}; it has ${this.#labels.join(', ')}`);
    });
    const result = await this.#segmenter.segment(toInput(input), { classes, resize, keepImage: false });
    const { argmax } = result;
    const numbers = this.#numbers;
    if (numbers) for (let i = 0; i < argmax.length; ++i) argmax[i] = numbers[argmax[i] as number] as number;
    const maps: Record<string, Int32Array | Float32Array> = { ARGMAX: argmax };
    const probabilities = [...result.probabilities.values()];
    result.classes.forEach((channel, i) => {
      maps[this.#labels[channel] as string] = probabilities[i] as Float32Array;
    });
    return maps as SemanticMaps<K>;
  }

  /** Frees the model as soon as no running call uses it. */
  delete(): void {
    this.#segmenter.close();
  }
}
