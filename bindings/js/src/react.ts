/**
 * The hooks of react-native-executorch, of every generation, for React on Node and Electron.
 *
 * @packageDocumentation
 */
export { useImageSegmentation } from './hooks/use-image-segmentation.js';
export type { ImageSegmentation, UseImageSegmentationOptions } from './hooks/use-image-segmentation.js';
export { useSemanticSegmentation } from './hooks/use-semantic-segmentation.js';
export type { SemanticSegmentation, UseSemanticSegmentationOptions } from './hooks/use-semantic-segmentation.js';
export { useSemanticSegmenter } from './hooks/use-semantic-segmenter.js';
export type { SemanticSegmenterHook, UseSemanticSegmenterOptions } from './hooks/use-semantic-segmenter.js';
