// The one implementation is CommonJS, so that a program that imports it both ways has one set of classes and one model.
export { ImageSegmentationModule } from './index.js';
export type { SegmentationMaps } from './index.js';
export { DeeplabLabel } from './index.js';
export { registerAsset } from './index.js';
export type { ModelConfig, ResourceSource } from './index.js';
export { SegmentationError } from './index.js';
export type { ErrorCode } from './index.js';
export { Segmenter } from './index.js';
export type { LoadOptions, SegmentOptions } from './index.js';
export { Segmentation } from './index.js';
export type { AbortOptions, Backdrop, CutoutOptions, ProbabilityMaps } from './index.js';
export type { ImageInput, PixelData, SharpRaw } from './index.js';
export { cache } from './index.js';
export type { CacheOptions, FetchOptions } from './index.js';
export { remove } from './index.js';
export type { RemoveOptions } from './index.js';
export { SelfieSegmentationLabel } from './index.js';
export type { LabelEnum, VocLabels } from './index.js';
export { SemanticSegmentationModule } from './index.js';
export type {
  SegmentationLabels,
  SemanticMaps,
  SemanticSegmentationConfig,
  SemanticSegmentationModelName,
  SemanticSegmentationModelSources,
  TensorPixels,
  VocNetwork,
} from './index.js';
export { createSemanticSegmenter } from './index.js';
export type {
  Color,
  ColorMap,
  ImageBuffer,
  InterpolationMethod,
  LoadMoreOptions,
  NormalizeOptions,
  SegmentMoreOptions,
  SemanticSegmentationResult,
  SemanticSegmenter,
  SemanticSegmenterModel,
  SemanticSegmenterOptions,
} from './index.js';
export { download, IMAGENET_NORM, models, PASCAL_VOC_LABELS } from './index.js';
export type { DownloadOptions, PascalVocLabel } from './index.js';
export { isRnExecuTorchError, RnExecuTorchError } from './index.js';
export type { RnExecuTorchErrorCode } from './index.js';
export type { ModelConstant } from './index.js';
export { configure } from './index.js';
export type { Configuration } from './index.js';
export { drawFrame } from './index.js';
export type { DrawFrameOptions, FrameBackground } from './index.js';
export type { FrameInput, FrameOptions, FrameResult, FrameTimings, Picture } from './index.js';
export type { Dom } from './index.js';
export { readableImageFormats, registeredModels, version } from './index.js';
export type {
  Box,
  CachedModel,
  ModelDescription,
  OverlayOptions,
  Polygon,
  PolygonOptions,
  PruneOptions,
  RegisteredModel,
  Rle,
  SegmentationInfo,
  StageTimings,
} from './index.js';
export {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  SELFIE_SEGMENTATION_EMBEDDED,
  SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
  DEEPLAB_V3_RESNET50,
  DEEPLAB_V3_RESNET50_520,
  DEEPLAB_V3_RESNET50_520_QUANTIZED,
  DEEPLAB_V3_RESNET101,
  DEEPLAB_V3_RESNET101_QUANTIZED,
  DEEPLAB_V3_MOBILENET_V3_LARGE,
  DEEPLAB_V3_MOBILENET_V3_LARGE_QUANTIZED,
  LRASPP_MOBILENET_V3_LARGE,
  LRASPP_MOBILENET_V3_LARGE_QUANTIZED,
  FCN_RESNET50,
  FCN_RESNET50_QUANTIZED,
  FCN_RESNET101,
  FCN_RESNET101_QUANTIZED,
  SELFIE_SEGMENTATION,
} from './index.js';
