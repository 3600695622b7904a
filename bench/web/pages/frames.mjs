import * as silhouette from '/package/dist/esm/index.js';

import { read } from './common.mjs';

const WIDTH = 640;
const HEIGHT = 480;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** A video's frame: the photo of a person, moved a little from frame to frame. */
async function makeFrames() {
  const rgb = await read('/work/selfie.rgb');
  const pixels = new ImageData(256, 256);
  for (let i = 0; i < 256 * 256; ++i) {
    pixels.data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  const photo = await createImageBitmap(pixels);
  return Array.from({ length: 8 }, (_, i) => {
    const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
    canvas.getContext('2d').drawImage(photo, 80 + 4 * i, 0, HEIGHT, HEIGHT);
    return canvas;
  });
}

window.run = async ({ model, frames, options, draw }) => {
  const segmenter = await silhouette.Segmenter.load(silhouette[model]);
  const canvases = await makeFrames();
  const shown = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
  const networkMs = [];
  const totalMs = [];
  let began;
  for (let i = -10; i < frames; ++i) {
    if (i === 0) began = performance.now();
    // A camera gives its frames as VideoFrame.
    const frame = new VideoFrame(canvases[(i + 10) % canvases.length], { timestamp: (i + 10) * 33_333 });
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
