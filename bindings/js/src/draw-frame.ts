import type { Dom } from './dom.js';
import { colorOf } from './backdrop.js';
import { describeValue, invalidArgument, optionsOf, reportingNow } from './errors.js';
import type { FrameInput, FrameResult } from './frames.js';
import { isObject } from './kinds.js';

type Drawable = Dom<'ImageBitmap'>;
/** What is drawn on: a 2D context of a canvas, on the page or off it. */
export type FrameContext = Dom<'CanvasRenderingContext2D'> | Dom<'OffscreenCanvasRenderingContext2D'>;

/**
 * What lies behind the subject of a frame: nothing; the frame out of focus, or `{ blur }` with the share of its longer side that is
 * averaged (0.03 if not told); a colour, `'#rrggbb'`, `'#rgb'`, `'white'` or `'black'`; `{ image }`, a picture or another video that
 * covers the canvas.
 */
export type FrameBackground =
  string | { readonly blur: number } | { readonly image: Exclude<FrameInput, Dom<'ImageData'>> };

export interface DrawFrameOptions {
  /** Default: `'transparent'`. */
  background?: FrameBackground | null;
  /** Left and right changed, as people know themselves from mirrors. Default: false. */
  mirror?: boolean;
}

const DEFAULT_BLUR = 0.03;

/** The frame out of focus is made of this many of its own pixels on the longer side, or fewer: nobody sees that. */
const BLUR_PIXELS = 160;

/** By how much the subject is larger than its mask where it is left out, in these pixels: edges are never exact. */
const AROUND = [
  [0, 0],
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

/** Canvases that are used again for every frame that is drawn on the same context. */
class Scratch {
  readonly mask = new OffscreenCanvas(1, 1);
  /** The mask's, used again. */
  pixels: ImageData | undefined;
  readonly picture = new OffscreenCanvas(1, 1);
  readonly small = new OffscreenCanvas(1, 1);
  readonly smaller = new OffscreenCanvas(1, 1);
}

const scratches = new WeakMap<object, Scratch>();

function scratchOf(context: FrameContext): Scratch {
  const known = scratches.get(context) ?? new Scratch();
  scratches.set(context, known);
  return known;
}

/** An empty canvas of a size. */
function cleared(canvas: OffscreenCanvas, width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw invalidArgument('drawFrame: the browser has no more canvases; close other pages');
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  } else {
    context.globalCompositeOperation = 'copy';
    context.clearRect(0, 0, width, height);
  }
  context.globalCompositeOperation = 'source-over';
  return context;
}

/** The mask as something to draw with. */
function maskOf(scratch: Scratch, { width, height, alpha, bitmap }: FrameResult): CanvasImageSource {
  if (bitmap !== undefined && bitmap.width > 0) return bitmap;
  if (alpha.length !== width * height) {
    throw invalidArgument(
      "drawFrame: the result's memory is in use again; draw it before segmentFrame is called twice",
    );
  }
  const context = cleared(scratch.mask, width, height);
  if (scratch.pixels?.width !== width || scratch.pixels.height !== height) {
    scratch.pixels = context.createImageData(width, height);
  }
  const { pixels } = scratch;
  for (let i = 0; i < alpha.length; ++i) pixels.data[4 * i + 3] = alpha[i] as number;
  context.putImageData(pixels, 0, 0);
  return scratch.mask;
}

/** The size of something that canvases draw. */
function sizeOf(source: object): { width: number; height: number } {
  const all = source as Partial<Record<'videoWidth' | 'naturalWidth' | 'displayWidth' | 'width', number>> &
    Partial<Record<'videoHeight' | 'naturalHeight' | 'displayHeight' | 'height', number>>;
  const width = all.videoWidth ?? all.naturalWidth ?? all.displayWidth ?? all.width ?? 0;
  const height = all.videoHeight ?? all.naturalHeight ?? all.displayHeight ?? all.height ?? 0;
  if (width > 0 && height > 0) return { width, height };
  throw invalidArgument(`drawFrame: ${describeValue(source)} has no pixels; it isn't loaded, or was closed`);
}

/** Draws a picture so that it covers the canvas, cut off where it is longer. */
function drawCovering(context: FrameContext, source: object): void {
  const { width, height } = sizeOf(source);
  const { width: toWidth, height: toHeight } = context.canvas;
  const scale = Math.max(toWidth / width, toHeight / height);
  const x = (toWidth - width * scale) / 2;
  const y = (toHeight - height * scale) / 2;
  context.drawImage(source as Drawable, x, y, width * scale, height * scale);
}

/**
 * The frame without its subject, out of focus: only what lies behind is averaged, or the subject would have a halo of its own
 * colours. Where it was, what is around flows in.
 */
function blurred(scratch: Scratch, frame: OffscreenCanvas, mask: CanvasImageSource, share: number): OffscreenCanvas {
  const scale = Math.min(1, BLUR_PIXELS / Math.max(frame.width, frame.height));
  const width = Math.max(1, Math.round(frame.width * scale));
  const height = Math.max(1, Math.round(frame.height * scale));
  const context = cleared(scratch.small, width, height);
  // Pixels that are left out would flicker.
  context.imageSmoothingQuality = 'medium';
  context.drawImage(frame, 0, 0, width, height);
  cleared(scratch.smaller, width, height).drawImage(mask, 0, 0, width, height);
  context.globalCompositeOperation = 'destination-out';
  for (const [x, y] of AROUND) context.drawImage(scratch.smaller, x, y);
  // Each turn has half the pixels of the one before, down to one for the share that is averaged; and up again, smoothed.
  const radius = share * Math.max(width, height);
  const sizes: [number, number][] = [[width, height]];
  for (let step = 2; step <= 2 * radius && Math.min(width, height) / step >= 1; step *= 2) {
    sizes.push([Math.max(1, Math.round(width / step)), Math.max(1, Math.round(height / step))]);
  }
  let from = scratch.small;
  let to = scratch.smaller;
  const scaleTo = ([toWidth, toHeight]: [number, number]): void => {
    const next = cleared(to, toWidth, toHeight);
    next.drawImage(from, 0, 0, toWidth, toHeight);
    // What is half empty is filled by its own colours.
    next.globalCompositeOperation = 'destination-over';
    for (let i = 0; i < 3; ++i) next.drawImage(to, 0, 0);
    [from, to] = [to, from];
  };
  for (const size of sizes.slice(1)) scaleTo(size);
  for (const size of sizes.slice(0, -1).reverse()) scaleTo(size);
  return from;
}

/** What is drawn behind the subject. */
type Behind = (context: OffscreenCanvasRenderingContext2D) => void;

/** `out` makes the frame out of focus, of the share that is averaged. */
function behindOf(background: unknown, out: (share: number) => OffscreenCanvas): Behind | undefined {
  if (background === undefined || background === null || background === 'transparent') return undefined;
  const blur = (share: number): Behind => {
    const picture = out(share);
    return (context) => {
      context.drawImage(picture, 0, 0, context.canvas.width, context.canvas.height);
    };
  };
  if (background === 'blur') return blur(DEFAULT_BLUR);
  if (typeof background === 'string') {
    const color = colorOf(background);
    if (color !== undefined) {
      return (context) => {
        context.fillStyle = `rgb(${color.join(' ')})`;
        context.fillRect(0, 0, context.canvas.width, context.canvas.height);
      };
    }
  } else if (isObject(background) && 'blur' in background) {
    const { blur: share } = background;
    if (typeof share === 'number' && share > 0 && share <= 1) return blur(share);
    throw invalidArgument(`drawFrame: blur is ${describeValue(share)}; give a share above 0 and at most 1`);
  } else if (isObject(background) && 'image' in background && isObject(background.image)) {
    const { image } = background;
    sizeOf(image);
    return (context) => {
      drawCovering(context, image);
    };
  }
  throw invalidArgument(
    `drawFrame: the background is ${describeValue(background)}; give 'transparent', 'blur', a colour as '#rrggbb', { blur } or ` +
      '{ image }',
  );
}

/**
 * Draws a frame's subject over the whole of a canvas, with something else behind it. `result` is what `segmentFrame` gave for this
 * frame, or for one a moment before; the canvas should have the frame's proportions.
 */
export function drawFrame(
  context: FrameContext,
  frame: Exclude<FrameInput, Dom<'ImageData'>>,
  result: FrameResult,
  options: DrawFrameOptions | null = {},
): void {
  reportingNow(() => {
    const { background, mirror } = optionsOf(options, 'drawFrame');
    const { width, height } = context.canvas;
    sizeOf(frame);
    const scratch = scratchOf(context);
    const mask = maskOf(scratch, result);
    // The frame is asked for its pixels once: that is what takes the time, since cameras give no colours as canvases have them.
    const picture = cleared(scratch.picture, width, height);
    picture.imageSmoothingQuality = 'medium';
    picture.drawImage(frame as Drawable, 0, 0, width, height);
    // What is enlarged needs no better filter; 'medium' would take twice the time.
    picture.imageSmoothingQuality = 'low';
    const behind = behindOf(background, (share) => blurred(scratch, scratch.picture, mask, share));
    picture.globalCompositeOperation = 'destination-in';
    picture.drawImage(mask, 0, 0, width, height);
    picture.globalCompositeOperation = 'destination-over';
    behind?.(picture);

    context.save();
    try {
      context.globalAlpha = 1;
      context.globalCompositeOperation = 'copy';
      context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
      context.drawImage(scratch.picture, 0, 0);
    } finally {
      context.restore();
    }
  });
}
