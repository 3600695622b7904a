// The engine in WebAssembly against PyTorch's results, in all of its files; and what happens where memory ends, somebody stops it,
// or what it is given can't be meant seriously.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  agreement,
  endWorkers,
  engineOf,
  hashRandom,
  npy,
  png,
  read,
  synthesized,
  variants,
  worstDifference,
} from './support.mjs';

const EMBEDDED = 'models/deeplab_v3_mobilenet_v2.pte';
const SEGMENT = { classes: [], resize: false, filter: 'antialias', keepImage: false };
/** As the native engine's tests: of a network's results. */
const LEAST_AGREEMENT = 0.9999;
/** Of the range of a network's scores. */
const MOST_ERROR = 1e-4;

const codeOf = (code) => (error) => {
  assert.equal(error.code, code, error.stack);
  return true;
};

function expectGolden(engine, folder, input) {
  const values = engine.run(hashRandom(1000 + input, 3 * 224 * 224));
  const classes = png(`tests/golden/${folder}/argmax_${input}.png`);
  const pixels = classes.data.length;
  const argmax = Uint8Array.from(classes.data, (_, i) => {
    let best = 0;
    for (let c = 1; c < 21; ++c) if (values[c * pixels + i] > values[best * pixels + i]) best = c;
    return best;
  });
  const agreed = agreement(argmax, classes.data);
  assert.ok(agreed >= LEAST_AGREEMENT, `${agreed} of the pixels agree`);
  const golden = npy(`tests/golden/${folder}/logits_${input}.npy`);
  const { stride, offset } = JSON.parse(read(`tests/golden/${folder}/meta.json`));
  const sampled = [];
  for (let c = 0; c < 21; ++c) {
    for (let y = offset; y < 224; y += stride) {
      for (let x = offset; x < 224; x += stride) sampled.push(values[(c * 224 + y) * 224 + x]);
    }
  }
  assert.equal(sampled.length, golden.values.length);
  const range = golden.values.reduce((a, v) => Math.max(a, v)) - golden.values.reduce((a, v) => Math.min(a, v));
  const worst = worstDifference(sampled, golden.values) / range;
  assert.ok(worst <= MOST_ERROR, `an error of ${worst}`);
}

after(endWorkers);

for (const variant of variants) {
  const threads = variant.endsWith('-threads') ? 2 : 1;
  describe(`silhouette${variant}.wasm`, () => {
    test('has the threads that it was asked for', async () => {
      const engine = await engineOf(variant, { threads });
      assert.equal(engine.threads, threads);
      assert.equal(engine.stop === undefined, threads === 1);
    });

    test('gives the embedded model’s classes and probabilities as PyTorch', async () => {
      const engine = await engineOf(variant, { threads });
      const description = engine.load(read(EMBEDDED), { name: 'embedded' });
      assert.deepEqual([description.inputWidth, description.inputHeight, description.channels], [513, 513, 21]);
      assert.equal(description.labels.length, 21);
      for (const [photo, channel, label] of [
        ['bird', 3, 'BIRD'],
        ['chelsea', 8, 'CAT'],
      ]) {
        const image = png(`models/samples/${photo}.png`);
        for (const [size, resize] of [
          ['model', false],
          ['original', true],
        ]) {
          const maps = engine.segment(image, { ...SEGMENT, classes: [channel], resize });
          const agreed = agreement(maps.argmax, png(`tests/golden/pipeline/${photo}/${size}_argmax.png`).data);
          assert.ok(agreed >= LEAST_AGREEMENT, `${photo} ${size}: ${agreed}`);
          const golden = png(`tests/golden/pipeline/${photo}/${size}_${label}.png`).data;
          const worst = worstDifference(maps.probabilities[0].map((p) => p * 65535), golden) / 65535;
          assert.ok(worst <= 2e-3, `${photo} ${size}: ${worst}`);
        }
      }
    });

    for (const name of ['selfie_segmentation', 'selfie_segmentation_landscape']) {
      test(`gives ${name}’s probabilities as LiteRT`, async () => {
        const engine = await engineOf(variant, { threads });
        engine.load(read(`models/${name}.pte`), { name });
        const image = png('models/samples/astronaut.png');
        const maps = engine.segment(image, { ...SEGMENT, classes: [1], keepImage: true });
        const golden = png(`tests/golden/${name}/astronaut_model.png`).data;
        const worst = worstDifference(maps.probabilities[0].map((p) => p * 65535), golden) / 65535;
        assert.ok(worst <= 1e-3, `${worst}`);
        assert.equal(maps.foreground.values.length, maps.foreground.width * maps.foreground.height);
      });
    }

    for (const name of ['lraspp_mobilenet_v3_large_224', 'deeplabv3_mobilenet_v3_large_224', 'deeplabv3_resnet50_224']) {
      test(`computes ${name} as PyTorch`, async () => {
        const engine = await engineOf(variant, { threads });
        engine.load(synthesized(name), { name });
        expectGolden(engine, name, 0);
        if (!name.includes('resnet')) expectGolden(engine, name, 1);
      });
    }

    test('gives the same whatever the number of threads', async () => {
      const image = png('models/samples/chelsea.png');
      const one = await engineOf(variant);
      const several = await engineOf(variant, { threads });
      const results = [one, several].map((engine) => {
        engine.load(read(EMBEDDED), { name: 'embedded' });
        return engine.segment(image, { ...SEGMENT, classes: [8] });
      });
      assert.deepEqual(results[1].argmax, results[0].argmax);
      assert.deepEqual(results[1].probabilities, results[0].probabilities);
    });

    test('fails with LIMIT_EXCEEDED where memory ends, and goes on', async () => {
      const engine = await engineOf(variant, { threads, maxMemoryBytes: 64 * 2 ** 20 });
      engine.load(read(EMBEDDED), { name: 'embedded' });
      const image = png('models/samples/bird.png');
      const before = engine.segment(image, SEGMENT);
      const side = 3000;
      const large = { data: new Uint8Array(side * side * 3), width: side, height: side, channels: 3 };
      for (let i = 0; i < 3; ++i) assert.throws(() => engine.segment(large, { ...SEGMENT, resize: true }), codeOf('LIMIT_EXCEEDED'));
      assert.ok(engine.memory.buffer.byteLength <= 64 * 2 ** 20);
      assert.deepEqual(engine.segment(image, SEGMENT).argmax, before.argmax);
    });

    test('fails with LIMIT_EXCEEDED where there is no memory for a model', async () => {
      const engine = await engineOf(variant, { threads, maxMemoryBytes: 16 * 2 ** 20 });
      assert.throws(() => engine.load(read(EMBEDDED), { name: 'embedded' }), codeOf('LIMIT_EXCEEDED'));
      engine.load(read('models/selfie_segmentation.pte'), { name: 'selfie' });
      engine.segment(png('models/samples/bird.png'), SEGMENT);
    });

    test('keeps no more memory after many calls', async () => {
      const engine = await engineOf(variant, { threads });
      engine.load(read('models/selfie_segmentation.pte'), { name: 'selfie' });
      const image = png('models/samples/bird.png');
      const maps = engine.segment(image, { ...SEGMENT, keepImage: true });
      const parts = { ...maps, labels: ['BACKGROUND', 'FOREGROUND'] };
      const once = () => {
        engine.segment(image, { ...SEGMENT, keepImage: true });
        engine.cutout(parts, []);
        engine.polygons(parts, 1, 1, 0);
      };
      once();
      const bytes = engine.memory.buffer.byteLength;
      for (let i = 0; i < 20; ++i) once();
      assert.equal(engine.memory.buffer.byteLength, bytes);
    });

    if (threads > 1) {
      test('ends a call with CANCELLED when it is told to, and goes on', async () => {
        const engine = await engineOf(variant, { threads });
        engine.load(read(EMBEDDED), { name: 'embedded' });
        const image = png('models/samples/bird.png');
        const before = engine.segment(image, SEGMENT);
        Atomics.store(engine.stop, 0, 1);
        assert.throws(() => engine.segment(image, SEGMENT), codeOf('CANCELLED'));
        Atomics.store(engine.stop, 0, 0);
        assert.deepEqual(engine.segment(image, SEGMENT).argmax, before.argmax);
      });
    }

    test('knows NaN from a number', async () => {
      const engine = await engineOf(variant, { threads });
      engine.load(read(EMBEDDED), { name: 'embedded' });
      // A clamp of kernels must let NaN through: else an activation would make a number of it, and a broken input a result.
      const values = engine.run(new Float32Array(3 * 513 * 513).fill(NaN));
      assert.ok(values.every(Number.isNaN));
    });
  });
}
