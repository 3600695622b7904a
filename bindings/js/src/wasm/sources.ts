/** Texts that name models and images, by the rules of the native library (`src/resources/source.cpp`, `url.cpp`). */
import { invalidArgument, SegmentationError } from '../errors.js';

const MOST_SHOWN = 120;

/** As many bytes as an encoded image may have, from wherever it comes. */
export const MAX_ENCODED_IMAGE_BYTES = 256 * 1024 * 1024;

/** Shorter texts are names of files before they are images: the smallest PNG has 90 characters of base64. */
const LEAST_BASE64 = 64;

/** No path is longer on the systems that there are. */
const LONGEST_PATH = 4096;

/** How base64 of a JPEG, PNG, GIF, TIFF (both orders of bytes) or WebP file starts. */
const BASE64_STARTS = ['/9j/', 'iVBORw0KGgo', 'R0lGODd', 'R0lGODl', 'SUkqA', 'TU0AK', 'UklGR'];

export const isHttpUrl = (text: string): boolean => /^https?:\/\//i.test(text);
export const isDataUri = (text: string): boolean => /^data:/i.test(text);

/** A URL without what may be secret: user, password, query. */
function redact(url: string): string {
  return url
    .replace(/^(https?:\/\/)[^/?#]*@/i, '$1')
    .replace(/#.*$/s, '')
    .replace(/\?.+$/s, '?…');
}

function shorten(text: string): string {
  if (isHttpUrl(text)) return redact(text);
  if (isDataUri(text) && text.length > 40) return `${text.slice(0, 40)}… (${String(text.length)} characters)`;
  if (text.length >= LONGEST_PATH) return `${text.slice(0, 40)}… (${String(text.length)} characters)`;
  return text;
}

/** How messages show a source. Both ends tell most: where it is, and what it is called. */
export function displaySource(text: string): string {
  const shown = shorten(text).replace(/[\u0000-\u001f\u007f]/g, ' ');
  if (shown.length <= MOST_SHOWN) return shown;
  return `${shown.slice(0, MOST_SHOWN / 2 - 1)}…${shown.slice(1 - MOST_SHOWN / 2)}`;
}

/** Whether a text that names no file is base64. */
export function looksLikeBase64(text: string): boolean {
  const body = text.trimStart();
  if (BASE64_STARTS.some((start) => body.startsWith(start)) || text.length >= LONGEST_PATH) return true;
  const characters = body.replace(/[=\r\n]+$/, '').replace(/[\r\n]/g, '');
  return (
    characters.length >= LEAST_BASE64 &&
    /^[A-Za-z0-9+/_-]*$/.test(characters) &&
    [/[A-Z]/, /[a-z]/, /[0-9]/].every((kind) => kind.test(characters))
  );
}

const WRONG = 255;
const BLANK = 254;

const BASE64_VALUES = ((): Uint8Array => {
  const values = new Uint8Array(256).fill(WRONG);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  Array.from(alphabet, (character, value) => (values[character.charCodeAt(0)] = value));
  values['-'.charCodeAt(0)] = 62;
  values['_'.charCodeAt(0)] = 63;
  for (const blank of ' \t\r\n\f\v') values[blank.charCodeAt(0)] = BLANK;
  return values;
})();

const valueAt = (text: string, i: number): number => BASE64_VALUES[text.charCodeAt(i)] ?? WRONG;

function malformed(text: string, why: string): SegmentationError {
  return invalidArgument(`'${displaySource(text)}': malformed base64: ${why}`);
}

function wrongCharacter(text: string, i: number): SegmentationError {
  return malformed(text, `'${text.charAt(i)}' at character ${String(i + 1)} doesn't belong there`);
}

function checkPadding(text: string, from: number, due: number): void {
  let padding = 0;
  for (let i = from; i < text.length; ++i) {
    if (valueAt(text, i) === BLANK) continue;
    if (text.charAt(i) !== '=') throw wrongCharacter(text, i);
    ++padding;
  }
  if (padding === 0 || padding === due) return;
  throw malformed(text, `${String(padding)} '=' from character ${String(from + 1)} on where ${String(due)} belong`);
}

function tooLarge(text: string): SegmentationError {
  const most = String(MAX_ENCODED_IMAGE_BYTES >> 20);
  return new SegmentationError(
    'LIMIT_EXCEEDED',
    `'${displaySource(text)}' has more than the ${most} MiB that an image file may have; give a smaller one`,
  );
}

/** Base64 with blanks or without, of either alphabet, padded or not. `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  // 4 characters for 3 bytes, and two for a line break every 32.
  if (text.length > (MAX_ENCODED_IMAGE_BYTES / 3) * 4 * (17 / 16)) throw tooLarge(text);
  const bytes = new Uint8Array(Math.ceil((text.length / 4) * 3));
  let length = 0;
  let group = 0;
  let digits = 0;
  let i = 0;
  for (; i < text.length && text.charCodeAt(i) !== 61; ++i) {
    const value = valueAt(text, i);
    if (value === BLANK) continue;
    if (value === WRONG) throw wrongCharacter(text, i);
    group = (group << 6) | value;
    if (++digits % 4 !== 0) continue;
    bytes[length++] = group >> 16;
    bytes[length++] = group >> 8;
    bytes[length++] = group;
  }
  const rest = digits % 4;
  if (rest === 1) throw malformed(text, `it ends after character ${String(i)} in the middle of a byte`);
  if (rest >= 2) bytes[length++] = rest === 2 ? group >> 4 : group >> 10;
  if (rest === 3) bytes[length++] = group >> 2;
  checkPadding(text, i, rest === 0 ? 0 : 4 - rest);
  if (length > MAX_ENCODED_IMAGE_BYTES) throw tooLarge(text);
  return bytes.subarray(0, length);
}

/** The bytes of what is percent-encoded, in UTF-8 where characters stand for themselves. */
function percentDecode(uri: string, text: string): Uint8Array<ArrayBuffer> {
  const raw = new TextEncoder().encode(text);
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; ++i) {
    if (raw[i] !== 37) {
      bytes[length++] = raw[i] as number;
      continue;
    }
    const digits = String.fromCharCode(raw[i + 1] ?? 0, raw[i + 2] ?? 0);
    if (!/^[\da-f]{2}$/i.test(digits)) {
      throw invalidArgument(
        `'${displaySource(uri)}' has a '%' without two hexadecimal digits behind the comma; write a plain percent sign as %25`,
      );
    }
    bytes[length++] = Number.parseInt(digits, 16);
    i += 2;
  }
  return bytes.subarray(0, length);
}

/** RFC 2397: data:[mediatype][;base64],data. */
export function readDataUri(uri: string): Uint8Array<ArrayBuffer> {
  const comma = uri.indexOf(',');
  if (comma < 0) {
    throw invalidArgument(`'${displaySource(uri)}' has no comma; a data URI is like data:image/png;base64,iVBOR…`);
  }
  const payload = uri.slice(comma + 1);
  if (payload.length > MAX_ENCODED_IMAGE_BYTES * 4) throw tooLarge(uri);
  if (!/;base64$/i.test(uri.slice(0, comma))) {
    const bytes = percentDecode(uri, payload);
    if (bytes.length > MAX_ENCODED_IMAGE_BYTES) throw tooLarge(uri);
    return bytes;
  }
  return decodeBase64(payload.includes('%') ? new TextDecoder().decode(percentDecode(uri, payload)) : payload);
}

/** FNV-1a, 64 bits, of the text in UTF-8: it only has to keep apart the URLs of one cache. */
function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** The name of a URL's file in a cache, native or not: readable, and the hash of the URL. */
export function cachedName(url: string): string {
  const path = url.replace(/^[^/]*:\/\/[^/?#]*/, '').replace(/[?#].*$/s, '');
  const last = new TextEncoder().encode(path.slice(path.lastIndexOf('/') + 1).replace(/\.pte$/, ''));
  const readable = Array.from(last.subarray(0, 80), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : '_';
  }).join('');
  return `${readable === '' ? 'model' : readable}-${fnv1a(url)}.pte`;
}
