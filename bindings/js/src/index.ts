/**
 * Image segmentation on the user's own machine, for Node and Electron.
 *
 * {@link ImageSegmentationModule} is the API of react-native-executorch; {@link Segmenter} is the one for new programs.
 *
 * @packageDocumentation
 */
export { ImageSegmentationModule } from './image-segmentation-module.js';
export type { SegmentationMaps } from './legacy-result.js';
export { DeeplabLabel } from './labels.js';
export { registerAsset } from './resource.js';
export type { ModelConfig, ResourceSource } from './resource.js';
export { SegmentationError } from './errors.js';
export type { ErrorCode } from './errors.js';
export { Segmenter } from './segmenter.js';
export type { LoadOptions, SegmentOptions } from './segmenter.js';
export { Segmentation } from './segmentation.js';
export type { AbortOptions, Backdrop, CutoutOptions, ProbabilityMaps } from './segmentation.js';
export type { ImageInput, PixelData, SharpRaw } from './image-input.js';
export { cache } from './cache.js';
export type { CacheOptions, FetchOptions } from './cache.js';
export { remove } from './remove.js';
export type { RemoveOptions } from './remove.js';
export { SelfieSegmentationLabel } from './generations/label-maps.js';
export type { LabelEnum, VocLabels } from './generations/label-maps.js';
export { SemanticSegmentationModule } from './generations/semantic-segmentation-module.js';
export type {
  SegmentationLabels,
  SemanticMaps,
  SemanticSegmentationConfig,
  SemanticSegmentationModelName,
  SemanticSegmentationModelSources,
  TensorPixels,
  VocNetwork,
} from './generations/semantic-segmentation-module.js';
export { createSemanticSegmenter } from './generations/semantic-segmenter.js';
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
} from './generations/semantic-segmenter.js';
export { download, IMAGENET_NORM, models, PASCAL_VOC_LABELS } from './generations/registry.js';
export type { DownloadOptions, PascalVocLabel } from './generations/registry.js';
export { isRnExecuTorchError, RnExecuTorchError } from './generations/rn-errors.js';
export type { RnExecuTorchErrorCode } from './generations/rn-errors.js';
export type { ModelConstant } from './models.js';
export { configure } from './configure.js';
export type { Configuration } from './configure.js';
export { drawFrame } from './draw-frame.js';
export type { DrawFrameOptions, FrameBackground, FrameContext } from './draw-frame.js';
export type { FrameInput, FrameOptions, FrameResult, FrameTimings, Picture } from './frames.js';
export type { Dom } from './dom.js';
export { readableImageFormats, registeredModels, version } from './about.js';
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
} from './backend.js';
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
} from './models.js';
