export { useImageSegmentation, useSemanticSegmentation, useSemanticSegmenter } from './react.js';
export type {
  ImageSegmentation,
  SemanticSegmentation,
  SemanticSegmenterHook,
  UseImageSegmentationOptions,
  UseSemanticSegmentationOptions,
  UseSemanticSegmenterOptions,
} from './react.js';
