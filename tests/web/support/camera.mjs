import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { SAMPLES, WORK } from './paths.mjs';
import { readPng } from './png.mjs';

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 8;

/**
 * A video for Chromium's fake webcam: a photo of a person who moves a little from side to side. Returns the file's path.
 * Y4M with colours at half of the size, BT.601.
 */
export function makeCameraFile() {
  const { width, height, channels, data } = readPng(join(SAMPLES, 'astronaut.png'));
  const frames = [];
  for (let frame = 0; frame < FRAMES; ++frame) {
    const moved = Math.round(6 * Math.sin((2 * Math.PI * frame) / FRAMES));
    const pixel = (x, y) => {
      const column = Math.min(width - 1, Math.max(0, x - 64 + moved));
      const at = (Math.min(height - 1, y) * width + column) * channels;
      return data.subarray(at, at + 3);
    };
    const luma = Buffer.alloc(WIDTH * HEIGHT);
    const blue = Buffer.alloc((WIDTH * HEIGHT) / 4);
    const red = Buffer.alloc((WIDTH * HEIGHT) / 4);
    for (let y = 0; y < HEIGHT; ++y) {
      for (let x = 0; x < WIDTH; ++x) {
        const [r, g, b] = pixel(x, y);
        luma[y * WIDTH + x] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
        if (x % 2 === 0 && y % 2 === 0) {
          const at = (y / 2) * (WIDTH / 2) + x / 2;
          blue[at] = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
          red[at] = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
        }
      }
    }
    frames.push(Buffer.from('FRAME\n'), luma, blue, red);
  }
  const file = join(WORK, 'camera.y4m');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420\n`), ...frames]));
  return file;
}
