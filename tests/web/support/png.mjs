// Reads the PNGs that golden results are: 8 and 16 bits, grey, RGB, palette and their alphas, not interlaced.
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** { width, height, channels, bits, data, palette? }; `data` is a Uint8Array or Uint16Array of samples, palette indices as they are. */
export function decodePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x89504e47) throw new Error('no PNG');
  const parts = [];
  let head;
  let palette;
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      head = {
        width: view.getUint32(at + 8),
        height: view.getUint32(at + 12),
        bits: body[8],
        color: body[9],
        interlaced: body[12],
      };
    } else if (type === 'PLTE') palette = body.slice();
    else if (type === 'IDAT') parts.push(body);
    at += 12 + length;
  }
  const { width, height, bits, color, interlaced } = head;
  const channels = CHANNELS[color];
  if (channels === undefined || (bits !== 8 && bits !== 16) || interlaced !== 0)
    throw new Error('a kind of PNG that tests have not');
  const pixel = (channels * bits) / 8;
  const stride = width * pixel;
  const raw = inflateSync(Buffer.concat(parts));
  const lines = new Uint8Array(stride * height);
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; ++x) {
      const at = y * stride + x;
      const left = x >= pixel ? lines[at - pixel] : 0;
      const up = y > 0 ? lines[at - stride] : 0;
      const corner = x >= pixel && y > 0 ? lines[at - stride - pixel] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      lines[at] = raw[y * (stride + 1) + 1 + x] + guess;
    }
  }
  const result = { width, height, channels, bits, data: lines };
  if (palette !== undefined) result.palette = palette;
  if (bits === 16) {
    result.data = new Uint16Array(lines.length / 2);
    for (let i = 0; i < result.data.length; ++i) result.data[i] = (lines[2 * i] << 8) | lines[2 * i + 1];
  }
  return result;
}

export function readPng(file) {
  return decodePng(readFileSync(file));
}
