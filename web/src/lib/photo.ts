import { Problem } from './problems.js';

/** A photo that was opened: what the page shows, and the file for results at its own size. */
export interface Photo {
  readonly fileName: string;
  /** The same without its ending. */
  readonly name: string;
  readonly file: Blob;
  /** Of the upright photo, pixels. */
  readonly width: number;
  readonly height: number;
  /** The photo as it is shown: at most {@link SHOWN} pixels wide or high. */
  readonly shown: HTMLCanvasElement;
}

/** Enough for a screen of any size; larger ones cost time at every step and can't be seen. */
const SHOWN = 1600;

/** As many floats as the probability maps of all classes together may have: 80 MB. */
const PROBABILITIES = 20e6;

function canvasOf(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Problem('memory', 'the browser has no room for another canvas');
  context.imageSmoothingQuality = 'high';
  return [canvas, context];
}

function scaledSize(width: number, height: number, scale: number): [number, number] {
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** Opens a picture: decoded by the browser, turned as its EXIF data says. */
export async function openPhoto(file: Blob, name: string): Promise<Photo> {
  if (file.size === 0) throw new Problem('unreadable-photo', `${name} is empty`);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    throw new Problem('unreadable-photo', `${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const { width, height } = bitmap;
    const [shown, context] = canvasOf(...scaledSize(width, height, Math.min(1, SHOWN / Math.max(width, height))));
    // Networks know no transparency: it is laid on white, for them as for the eye.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, shown.width, shown.height);
    context.drawImage(bitmap, 0, 0, shown.width, shown.height);
    return { fileName: name, name: name.replace(/\.[^.]*$/, '') || 'photo', file, width, height, shown };
  } finally {
    bitmap.close();
  }
}

/** What is given to a network of so many classes: the photo as it is shown, or less if its maps would take too much memory. */
export function pixelsFor(photo: Photo, classes: number): ImageData {
  const { shown } = photo;
  const scale = Math.min(1, Math.sqrt(PROBABILITIES / (shown.width * shown.height * classes)));
  if (scale === 1) return readPixels(shown);
  const [canvas, context] = canvasOf(...scaledSize(shown.width, shown.height, scale));
  context.drawImage(shown, 0, 0, canvas.width, canvas.height);
  return readPixels(canvas);
}

function readPixels(canvas: HTMLCanvasElement): ImageData {
  const context = canvas.getContext('2d');
  if (context === null) throw new Problem('memory', 'the browser gave up the canvas');
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Takes a picture out of a canvas, as a photo to go on with. */
export async function photoOf(canvas: HTMLCanvasElement, name: string): Promise<Photo> {
  const file = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  if (file === null) throw new Problem('memory', 'the browser could not write the picture');
  return openPhoto(file, name);
}
