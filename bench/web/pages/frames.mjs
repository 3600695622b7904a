import * as silhouette from '/package/dist/esm/index.js';

import { read } from './common.mjs';

const WIDTH = 640;
const HEIGHT = 480;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Pixels as cameras give them, I420: brightness, and colours at half of the size (BT.601). */
function toPlanes({ data }) {
  const planes = new Uint8Array(WIDTH * HEIGHT * 1.5);
  for (let y = 0; y < HEIGHT; ++y) {
    for (let x = 0; x < WIDTH; ++x) {
      const at = y * WIDTH + x;
      const [r, g, b] = data.subarray(4 * at, 4 * at + 3);
      planes[at] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
      if (x % 2 || y % 2) continue;
      const colours = WIDTH * HEIGHT + (y / 2) * (WIDTH / 2) + x / 2;
      planes[colours] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
      planes[colours + (WIDTH * HEIGHT) / 4] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
    }
  }
  return planes;
}

/** A video's frames: the photo of a person, moved a little from frame to frame. */
async function makeFrames() {
  const rgb = await read('/work/selfie.rgb');
  const pixels = new ImageData(256, 256);
  for (let i = 0; i < 256 * 256; ++i) {
    pixels.data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  const photo = await createImageBitmap(pixels);
  return Array.from({ length: 8 }, (_, i) => {
    const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
    context.drawImage(photo, 80 + 4 * i, 0, HEIGHT, HEIGHT);
    return toPlanes(context.getImageData(0, 0, WIDTH, HEIGHT));
  });
}

const FORMAT = { format: 'I420', codedWidth: WIDTH, codedHeight: HEIGHT };

window.run = async ({ model, frames, options, draw }) => {
  const segmenter = await silhouette.Segmenter.load(silhouette[model]);
  const planes = await makeFrames();
  const shown = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
  const networkMs = [];
  const totalMs = [];
  let began;
  for (let i = -10; i < frames; ++i) {
    if (i === 0) began = performance.now();
    const frame = new VideoFrame(planes[(i + 10) % planes.length], { ...FORMAT, timestamp: (i + 10) * 33_333 });
    const result = await segmenter.segmentFrame(frame, options);
    if (draw) silhouette.drawFrame(shown, frame, result, { background: 'blur' });
    frame.close();
    if (i < 0) continue;
    networkMs.push(result.timings.networkMs);
    totalMs.push(result.timings.totalMs);
  }
  const seconds = (performance.now() - began) / 1000;
  segmenter.close();
  return { framesPerSecond: frames / seconds, networkMs: median(networkMs), totalMs: median(totalMs) };
};
