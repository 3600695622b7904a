export { useImageSegmentation } from './react.js';
export type { ImageSegmentation, UseImageSegmentationOptions } from './react.js';
