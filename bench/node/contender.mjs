// One side of the comparison, in a process of its own: runs what compare.mjs asks for and answers with what it took.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const SIZE = 513;
const CLASSES = 21;
const THREADS = 2;

async function silhouette() {
  const { Segmenter } = createRequire(import.meta.url)('../../bindings/js');
  const segmenter = await Segmenter.load('DEEPLAB_V3_MOBILENET_V2_EMBEDDED', { threads: THREADS });
  return async (jpeg, resize) => (await segmenter.segment(jpeg, { resize, keepImage: false })).argmax;
}

async function onnxruntime(model) {
  const { default: ort } = await import('onnxruntime-node');
  const { default: sharp } = await import('sharp');
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: THREADS });
  return async (jpeg, resize) => {
    const photo = sharp(jpeg).rotate();
    const { width, height } = await sharp(jpeg).metadata();
    const pixels = await photo.resize(SIZE, SIZE, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    const input = new Float32Array(3 * SIZE * SIZE);
    for (let i = 0; i < SIZE * SIZE; ++i) {
      for (let c = 0; c < 3; ++c) input[c * SIZE * SIZE + i] = pixels[i * 3 + c] / 127.5 - 1;
    }
    const {
      logits: { data },
    } = await session.run({ image: new ort.Tensor('float32', input, [1, 3, SIZE, SIZE]) });
    const labels = new Uint8Array(SIZE * SIZE);
    for (let i = 0; i < SIZE * SIZE; ++i) {
      let best = 0;
      for (let c = 1; c < CLASSES; ++c) {
        if (data[c * SIZE * SIZE + i] > data[best * SIZE * SIZE + i]) best = c;
      }
      labels[i] = best;
    }
    if (!resize) return labels;
    return sharp(labels, { raw: { width: SIZE, height: SIZE, channels: 1 } })
      .resize(width, height, { fit: 'fill', kernel: 'nearest' })
      .raw()
      .toBuffer();
  };
}

const [side, model] = process.argv.slice(2);
const run = await { silhouette, onnxruntime }[side](model);

process.on('message', async ({ file, resize }) => {
  const jpeg = await readFile(file);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await new Promise((done) => setTimeout(done, 20));
  const began = performance.now();
  const labels = await run(jpeg, resize);
  const ms = performance.now() - began;
  await new Promise((done) => setTimeout(done, 5));
  histogram.disable();
  const counts = new Array(CLASSES).fill(0);
  for (let i = 0; i < labels.length; ++i) counts[labels[i]] += 1;
  const peakMb = process.resourceUsage().maxRSS / 1024;
  process.send({ ms, delayMs: histogram.max / 1e6, peakMb, shares: counts.map((count) => count / labels.length) });
});
process.send('ready');
