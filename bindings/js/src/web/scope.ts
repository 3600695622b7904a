/** What a worker of the package, or a page that can have none, gives to `serve`. */
import { SegmentationError } from '../errors.js';
import type { EngineImage } from '../wasm/parts.js';
import { FrameReader } from './frame-reader.js';
import type { SentFrame } from './frame.js';
import type { Movable, TextCoverage, WorkerScope } from '../wasm/platform.js';

/** A canvas of this size at most is drawn on: larger ones are refused by some browsers, and double the memory. */
const TILE_SIDE = 4096;
const TILE_PIXELS = 4_000_000;

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const found = new OffscreenCanvas(width, height).getContext('2d', { alpha: false, willReadFrequently: true });
  if (found !== null) return found;
  throw new SegmentationError('LIMIT_EXCEEDED', 'the browser has no canvas to read the image with; close other pages');
}

/** A bitmap's pixels on white, tile by tile. */
export function pixelsOfBitmap(bitmap: ImageBitmap): EngineImage {
  const { width, height } = bitmap;
  const tileWidth = Math.min(width, TILE_SIDE);
  const tileHeight = Math.min(height, Math.max(1, Math.floor(TILE_PIXELS / tileWidth)));
  const canvas = contextOf(tileWidth, tileHeight);
  canvas.fillStyle = 'white';
  const whole = tileWidth === width && tileHeight === height;
  const data = new Uint8ClampedArray(whole ? 0 : width * height * 4);
  for (let y = 0; y < height; y += tileHeight) {
    for (let x = 0; x < width; x += tileWidth) {
      const columns = Math.min(tileWidth, width - x);
      const rows = Math.min(tileHeight, height - y);
      canvas.fillRect(0, 0, columns, rows);
      canvas.drawImage(bitmap, x, y, columns, rows, 0, 0, columns, rows);
      const tile = canvas.getImageData(0, 0, columns, rows).data;
      if (whole) return { data: tile, width, height, channels: 4 };
      for (let row = 0; row < rows; ++row) {
        data.set(tile.subarray(row * columns * 4, (row + 1) * columns * 4), ((y + row) * width + x) * 4);
      }
    }
  }
  return { data, width, height, channels: 4 };
}

/** Draws a line of text; its coverage is as wide as the text. */
function writeText(text: string, pixelHeight: number): TextCoverage {
  const font = `${String(pixelHeight)}px sans-serif`;
  const measuring = contextOf(1, 1);
  measuring.font = font;
  const {
    width: exact,
    actualBoundingBoxAscent: ascent,
    actualBoundingBoxDescent: descent,
  } = measuring.measureText(text);
  const width = Math.min(TILE_SIDE, Math.max(1, Math.ceil(exact)));
  const height = Math.min(TILE_SIDE, Math.max(1, Math.ceil(ascent) + Math.ceil(descent)));
  const drawing = contextOf(width, height);
  drawing.font = font;
  drawing.fillStyle = 'white';
  drawing.fillText(text, 0, Math.ceil(ascent));
  const { data } = drawing.getImageData(0, 0, width, height);
  return { width, height, values: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i] as number) };
}

/** Whether there are canvases to draw on: Deno has some that can't be drawn on. */
export const canDraw = (): boolean =>
  typeof OffscreenCanvas === 'function' && new OffscreenCanvas(1, 1).getContext('2d') !== null;

export function createScope(post: (message: unknown, moved: readonly Movable[]) => void): WorkerScope {
  const frames = new FrameReader(contextOf);
  return {
    post,
    pixels: (image) => {
      const { bitmap, frame } = image as { bitmap?: ImageBitmap } & Partial<SentFrame>;
      if (frame !== undefined) return frames.read(image as SentFrame);
      if (bitmap === undefined) return image as EngineImage;
      try {
        return pixelsOfBitmap(bitmap);
      } finally {
        bitmap.close();
      }
    },
    writeText: canDraw() ? writeText : undefined,
  };
}
