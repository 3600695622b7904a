import { SegmentationError } from '../errors.js';

/** As in the native library (`src/base/image.hpp`). */
const MOST_SIDE = 65_500;
export const MOST_PIXELS = 150_000_000;

/** Refuses sizes that are over the limits, before there is memory for them. */
export function checkSize(width: number, height: number, name: string): void {
  if (width <= MOST_SIDE && height <= MOST_SIDE && width * height <= MOST_PIXELS) return;
  throw new SegmentationError(
    'LIMIT_EXCEEDED',
    `'${name}' has ${String(width)} × ${String(height)} pixels; the limits are ${String(MOST_SIDE)} a side and ` +
      `${String(MOST_PIXELS / 1e6)} million in all`,
  );
}
