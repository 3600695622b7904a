import type { BackendImage } from '../backend.js';
import { invalidArgument, SegmentationError } from '../errors.js';
import { throwIfCancelled } from '../wasm/call.js';
import { fetchBytes } from '../wasm/downloads.js';
import type { SentImage } from '../wasm/platform.js';
import { sentPixels } from '../wasm/pixels.js';
import {
  decodeBase64,
  displaySource,
  isDataUri,
  isHttpUrl,
  looksLikeBase64,
  MAX_ENCODED_IMAGE_BYTES,
  readDataUri,
} from '../wasm/sources.js';
import { checkPath, exists, pathFromFileUri, readFile, trimmed } from './files.js';
import { formatOf, SHARP_FORMATS, unsupportedImage } from './image-formats.js';
import { isNetpbm, readNetpbm } from './netpbm.js';
import { decodeBySharp, hasSharp } from './sharp.js';

/** Names of the formats that are decoded here. */
export function readableImageFormats(): readonly string[] {
  return hasSharp() ? [...SHARP_FORMATS, 'PPM'] : ['PPM'];
}

async function decode(bytes: Uint8Array, name: string, readMs: number): Promise<SentImage> {
  const began = performance.now();
  if (bytes.length === 0) {
    throw new SegmentationError('INVALID_IMAGE', `'${name}' is empty; give the bytes of an image file`);
  }
  const format = formatOf(bytes);
  if (format === undefined && !isNetpbm(bytes)) {
    throw unsupportedImage(name, 'in no image format that is read here', readableImageFormats());
  }
  const image = format === undefined ? readNetpbm(bytes, name) : await decodeBySharp(bytes, name, format);
  const { width, height } = image;
  return { image, moved: [image.data.buffer], width, height, readMs, decodeMs: performance.now() - began };
}

async function readPath(path: string, source: string): Promise<Uint8Array> {
  try {
    return await readFile(path, MAX_ENCODED_IMAGE_BYTES);
  } catch (error) {
    if (!(error instanceof SegmentationError && error.code === 'FILE_NOT_FOUND')) throw error;
    const shown = displaySource(source);
    throw new SegmentationError(
      'FILE_NOT_FOUND',
      `there is no file '${shown}'; give the path of an image, a URL, a data: URI or base64 text`,
      { cause: error },
    );
  }
}

/** The bytes behind a path, URI or base64 text. */
async function readText(given: string, signal: AbortSignal): Promise<Uint8Array> {
  const source = await trimmed(given);
  if (isHttpUrl(source)) return fetchBytes(source, signal);
  if (isDataUri(source)) return readDataUri(source);
  if (/^file:\//i.test(source)) return readPath(pathFromFileUri(source), source);
  checkPath(source, 'a path, a URL, a data: URI or base64 text');
  if (!(await exists(source)) && looksLikeBase64(source)) return decodeBase64(source);
  return readPath(source, source);
}

async function readAndDecode(image: string | Uint8Array, signal: AbortSignal): Promise<SentImage> {
  if (typeof image !== 'string') return decode(image, 'image bytes', 0);
  const began = performance.now();
  const bytes = await readText(image, signal);
  throwIfCancelled(signal);
  return decode(bytes, displaySource(image.trim()), performance.now() - began);
}

/** Reads and decodes an image. */
export function readImage(image: BackendImage, signal: AbortSignal): Promise<SentImage> {
  if (typeof image === 'string') return readAndDecode(image, signal);
  // Bytes may change while others are decoded.
  if ('bytes' in image) return readAndDecode(new Uint8Array(image.bytes), signal);
  if ('object' in image) return Promise.reject(invalidArgument('there are no pictures of browsers here; give pixels'));
  return Promise.resolve(sentPixels(image));
}
