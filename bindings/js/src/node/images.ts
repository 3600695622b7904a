import type { BackendImage } from '../backend.js';
import { invalidArgument } from '../errors.js';
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
import { exists, pathFromFileUri, readFile } from './files.js';
import { formatOf, SHARP_FORMATS, unsupportedImage } from './image-formats.js';
import { isNetpbm, readNetpbm } from './netpbm.js';
import { decodeBySharp, hasSharp } from './sharp.js';

/** Names of the formats that are decoded here. */
export function readableImageFormats(): readonly string[] {
  return hasSharp() ? [...SHARP_FORMATS, 'PPM'] : ['PPM'];
}

async function decode(bytes: Uint8Array, name: string): Promise<SentImage & { decoded: true }> {
  const began = performance.now();
  if (bytes.length === 0) throw invalidImage(name);
  const format = formatOf(bytes);
  if (format === undefined && !isNetpbm(bytes)) {
    throw unsupportedImage(name, 'in no image format that is read here', readableImageFormats());
  }
  const image = format === undefined ? readNetpbm(bytes, name) : await decodeBySharp(bytes, name, format);
  const { width, height } = image;
  return { image, moved: [], width, height, readMs: 0, decodeMs: performance.now() - began, decoded: true };
}
