/**
 * A film for the browser's test camera: somebody in front of it, who moves a little. Written as Y4M, which Chromium takes with
 * --use-file-for-fake-video-capture.
 */
import { readFile, writeFile } from 'node:fs/promises';

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 12;

/** Draws the frames in a page, and gives each one's pixels as base64: all of Y, then U and V at half the size. */
async function drawFrames([url, width, height, count]) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  const scale = (1.06 * width) / image.width;
  const frame = new Uint8Array((width * height * 3) / 2);
  const texts = [];
  for (let turn = 0; turn < count; ++turn) {
    const x = (width - image.width * scale) / 2 + Math.sin((turn / count) * 2 * Math.PI) * width * 0.02;
    context.drawImage(image, x, -height * 0.02, image.width * scale, image.height * scale);
    const { data } = context.getImageData(0, 0, width, height);
    let at = 0;
    const plane = (step, base, red, green, blue) => {
      for (let row = 0; row < height; row += step) {
        for (let i = 4 * row * width; i < 4 * (row + 1) * width; i += 4 * step) {
          frame[at++] = Math.round(base + data[i] * red + data[i + 1] * green + data[i + 2] * blue);
        }
      }
    };
    plane(1, 16, 0.257, 0.504, 0.098);
    plane(2, 128, -0.148, -0.291, 0.439);
    plane(2, 128, 0.439, -0.368, -0.071);
    let text = '';
    for (let i = 0; i < frame.length; i += 8192) text += String.fromCharCode(...frame.subarray(i, i + 8192));
    texts.push(btoa(text));
  }
  return texts;
}

/** Writes the film of a photo (a PNG file) to `path`; `tab` is a page of any browser. */
export async function writeFilm(tab, photo, path) {
  const url = `data:image/png;base64,${(await readFile(photo)).toString('base64')}`;
  const frames = await tab.evaluate(drawFrames, [url, WIDTH, HEIGHT, FRAMES]);
  const header = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420mpeg2\n`);
  const parts = frames.flatMap((frame) => [Buffer.from('FRAME\n'), Buffer.from(frame, 'base64')]);
  await writeFile(path, Buffer.concat([header, ...parts]));
}
