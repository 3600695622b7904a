import type { BackendBackground } from './backend.js';
import { describeValue, invalidArgument } from './errors.js';
import { readImage, type ImageInput } from './image-input.js';
import { isObject } from './kinds.js';

/**
 * What lies behind a cut-out: `'transparent'`; `'blur'`, the photo out of focus, or `{ blur }` with the share of its longer side
 * that is averaged (0.03 if not told); a colour, `'#rrggbb'`, `'#rgb'`, `'white'` or `'black'`; `{ image }`, any picture,
 * scaled and cropped so that it covers the photo.
 */
export type Backdrop = string | { readonly blur: number } | { readonly image: ImageInput };

const DEFAULT_BLUR = 0.03;
const NAMES: Readonly<Record<string, [number, number, number]>> = { white: [255, 255, 255], black: [0, 0, 0] };

/** Red, green and blue of a colour by its digits or name; undefined for other texts. */
export function colorOf(text: string): [number, number, number] | undefined {
  const digits = /^#(?:([\da-f]{3})|([\da-f]{6}))$/i.exec(text);
  if (digits === null) return NAMES[text.toLowerCase()];
  const [, short, long] = digits;
  const hex = long ?? (short as string).replace(/./g, '$&$&');
  const number = Number.parseInt(hex, 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Checks a backdrop and brings it to what backends take. Reading of streams ends when `signal` aborts. */
export async function readBackdrop(backdrop: unknown, signal?: AbortSignal): Promise<BackendBackground | undefined> {
  if (backdrop === undefined || backdrop === null || backdrop === 'transparent') return undefined;
  if (backdrop === 'blur') return { blur: DEFAULT_BLUR };
  if (typeof backdrop === 'string') {
    const color = colorOf(backdrop);
    if (color !== undefined) return { color };
  } else if (isObject(backdrop) && 'blur' in backdrop) {
    const { blur } = backdrop;
    if (typeof blur === 'number' && blur > 0 && blur <= 1) return { blur };
    throw invalidArgument(`a background's blur is ${describeValue(blur)}; give a share above 0 and at most 1`);
  } else if (isObject(backdrop) && 'image' in backdrop) {
    return { image: (await readImage(backdrop.image, signal)).use() };
  }
  throw invalidArgument(
    `a background is ${describeValue(backdrop)}; give 'transparent', 'blur', a colour as '#rrggbb', { blur } or { image }`,
  );
}
