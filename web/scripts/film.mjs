/**
 * A film for the browser's test camera: somebody in front of it, who moves a little. Written as Y4M, which Chromium takes with
 * --use-file-for-fake-video-capture.
 */
import { readFile, writeFile } from 'node:fs/promises';

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 12;

/** Draws a frame in a page and gives its pixels as planes: all of Y, then U and V at half the size. */
async function planes([url, width, height, turn]) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  // The test camera's pictures are shown as in a mirror, by the page as by any other.
  const scale = (1.06 * width) / image.width;
  const x = (width - image.width * scale) / 2 + Math.sin(turn) * width * 0.02;
  context.drawImage(image, x, -height * 0.02, image.width * scale, image.height * scale);
  const { data } = context.getImageData(0, 0, width, height);
  const at = (column, row, red, green, blue) => {
    const i = 4 * (row * width + column);
    return data[i] * red + data[i + 1] * green + data[i + 2] * blue;
  };
  const out = [];
  for (let row = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column) out.push(16 + at(column, row, 0.257, 0.504, 0.098));
  }
  for (const weights of [
    [-0.148, -0.291, 0.439],
    [0.439, -0.368, -0.071],
  ]) {
    for (let row = 0; row < height; row += 2) {
      for (let column = 0; column < width; column += 2) out.push(128 + at(column, row, ...weights));
    }
  }
  return out.map(Math.round);
}

/** Writes the film of a photo (a PNG file) to `path`; `tab` is a page of any browser. */
export async function writeFilm(tab, photo, path) {
  const url = `data:image/png;base64,${(await readFile(photo)).toString('base64')}`;
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420mpeg2\n`)];
  for (let i = 0; i < FRAMES; ++i) {
    const frame = await tab.evaluate(planes, [url, WIDTH, HEIGHT, (i / FRAMES) * 2 * Math.PI]);
    parts.push(Buffer.from('FRAME\n'), Buffer.from(frame));
  }
  await writeFile(path, Buffer.concat(parts));
}
