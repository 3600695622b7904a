import { invalidArgument, optionsOf, progressOf } from '../errors.js';
import { isObject, isUrl } from '../kinds.js';
import { cache } from '../cache.js';
import { reportingAsRn } from './rn-errors.js';
import type { SemanticSegmenterModel } from './semantic-segmenter.js';

/** The 21 classes of PASCAL VOC as react-native-executorch 0.10 calls them, in the order of channels. */
export const PASCAL_VOC_LABELS = [
  'background',
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'diningtable',
  'dog',
  'horse',
  'motorbike',
  'person',
  'pottedplant',
  'sheep',
  'sofa',
  'train',
  'tvmonitor',
] as const;
export type PascalVocLabel = (typeof PASCAL_VOC_LABELS)[number];

/** ImageNet's mean and standard deviation, which the networks of torchvision were trained with, for pixels of 0 … 255. */
export const IMAGENET_NORM = {
  alpha: [1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)],
  beta: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
} as const;

const HUB = 'https://huggingface.co/software-mansion/react-native-executorch';

function model<L>(
  path: string,
  labels: readonly L[],
  normalizeOpts: SemanticSegmenterModel<L>['modelOpts']['normalizeOpts'],
): SemanticSegmenterModel<L> {
  const [family, file] = path.split('/') as [string, string];
  return {
    modelPath: `${HUB}-${family}/resolve/v0.10.0/xnnpack/${file}.pte`,
    modelOpts: { labels, resizeMode: 'stretch', interpolation: 'linear', normalizeOpts, outInterpolation: 'lanczos' },
  };
}

function voc(
  path: string,
): Record<'DEFAULT' | 'XNNPACK_INT8' | 'XNNPACK_FP32', SemanticSegmenterModel<PascalVocLabel>> {
  const [int8, fp32] = ['int8', 'fp32'].map((type) =>
    model(`${path}_xnnpack_${type}`, PASCAL_VOC_LABELS, IMAGENET_NORM),
  );
  return { DEFAULT: int8, XNNPACK_INT8: int8, XNNPACK_FP32: fp32 } as ReturnType<typeof voc>;
}

function selfie(file: string): Record<'DEFAULT' | 'XNNPACK_FP32', SemanticSegmenterModel<'background' | 'person'>> {
  const fp32 = model(`selfie-segmentation/${file}_xnnpack_fp32`, ['background', 'person'] as const, {
    alpha: 1 / 255,
    beta: 0,
  });
  return { DEFAULT: fp32, XNNPACK_FP32: fp32 };
}

/** The models that react-native-executorch 0.10 lists, but for those of other processors than the CPU. */
export const models = {
  semanticSegmentation: {
    SELFIE_SEGMENTATION: selfie('selfie_segmentation'),
    SELFIE_SEGMENTATION_LANDSCAPE: selfie('selfie_segmentation_landscape'),
    LRASPP_MOBILENET_V3_LARGE: voc('lraspp/lraspp_mobilenet_v3_large'),
    DEEPLAB_V3_RESNET50: voc('deeplab-v3/deeplab_v3_resnet50'),
    DEEPLAB_V3_RESNET101: voc('deeplab-v3/deeplab_v3_resnet101'),
    DEEPLAB_V3_MOBILENET_V3_LARGE: voc('deeplab-v3/deeplab_v3_mobilenet_v3_large'),
    FCN_RESNET50: voc('fcn/fcn_resnet50'),
    FCN_RESNET101: voc('fcn/fcn_resnet101'),
  },
} as const;

export interface DownloadOptions {
  /** Hears fractions from 0 to 1 of all files together. */
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal | null;
  /** Downloads also what is in the cache. */
  readonly forceDownload?: boolean;
}

/** What is looked into: arrays, and objects that are nothing but that. */
function isPlain(value: unknown): value is object {
  if (!isObject(value) || typeof value === 'function') return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The URL that a value is, if it is one. */
function urlOf(value: unknown): string | undefined {
  const text = isUrl(value) ? value.href : value;
  return typeof text === 'string' && /^https?:/i.test(text) ? text : undefined;
}

/** The same value with every URL in it, however deep, put through `change`. */
function changed(value: unknown, change: (url: string) => string, within: readonly object[] = []): unknown {
  const url = urlOf(value);
  if (url !== undefined) return change(url);
  if (!isPlain(value)) return value;
  if (within.includes(value)) throw invalidArgument('the value to download contains itself');
  const parts = Object.entries(value).map(([key, part]) => [key, changed(part, change, [...within, value])] as const);
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/**
 * Downloads every file whose URL is somewhere in a value, one after the other, and gives the value with their paths instead, as
 * react-native-executorch 0.10 does. Rejects with a {@link RnExecuTorchError}: `DOWNLOAD_FAILED`, `DOWNLOAD_ABORTED`.
 */
export function download<T>(source: T, options: DownloadOptions | null = {}): Promise<T> {
  return reportingAsRn('load', async () => {
    const { onProgress, signal, forceDownload } = optionsOf(options, 'download');
    const tell = progressOf(onProgress);
    const found = new Set<string>();
    changed(source, (url) => {
      found.add(url);
      return url;
    });
    const urls = [...found];
    const paths = new Map<string, string>();
    for (const [i, url] of urls.entries()) {
      if (forceDownload === true) await cache.remove(url);
      const path = await cache.fetch(url, {
        onProgress: (fraction) => tell?.((i + fraction) / urls.length),
        ...(signal && { signal }),
      });
      paths.set(url, path);
    }
    if (urls.length === 0) tell?.(1);
    return changed(source, (url) => paths.get(url) ?? url) as T;
  });
}
