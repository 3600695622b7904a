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
const SEGMENT = {
  classes: [],
  resize: false,
  filter: 'antialias',
  keepImage: false,
};
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
          const maps = engine.segment(image, {
            ...SEGMENT,
            classes: [channel],
            resize,
          });
          const agreed = agreement(maps.argmax, png(`tests/golden/pipeline/${photo}/${size}_argmax.png`).data);
          assert.ok(agreed >= LEAST_AGREEMENT, `${photo} ${size}: ${agreed}`);
          const golden = png(`tests/golden/pipeline/${photo}/${size}_${label}.png`).data;
          const worst =
            worstDifference(
              maps.probabilities[0].map((p) => p * 65535),
              golden,
            ) / 65535;
          assert.ok(worst <= 2e-3, `${photo} ${size}: ${worst}`);
        }
      }
    });

    for (const name of ['selfie_segmentation', 'selfie_segmentation_landscape']) {
      test(`gives ${name}’s probabilities as LiteRT`, async () => {
        const engine = await engineOf(variant, { threads });
        engine.load(read(`models/${name}.pte`), { name });
        const image = png('models/samples/astronaut.png');
        const maps = engine.segment(image, {
          ...SEGMENT,
          classes: [1],
          keepImage: true,
        });
        const golden = png(`tests/golden/${name}/astronaut_model.png`).data;
        const worst =
          worstDifference(
            maps.probabilities[0].map((p) => p * 65535),
            golden,
          ) / 65535;
        assert.ok(worst <= 1e-3, `${worst}`);
        assert.equal(maps.foreground.values.length, maps.foreground.width * maps.foreground.height);
      });
    }

    for (const name of [
      'lraspp_mobilenet_v3_large_224',
      'deeplabv3_mobilenet_v3_large_224',
      'deeplabv3_resnet50_224',
    ]) {
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
      const engine = await engineOf(variant, {
        threads,
        maxMemoryBytes: 64 * 2 ** 20,
      });
      engine.load(read(EMBEDDED), { name: 'embedded' });
      const image = png('models/samples/bird.png');
      const before = engine.segment(image, SEGMENT);
      const side = 3000;
      const large = {
        data: new Uint8Array(side * side * 3),
        width: side,
        height: side,
        channels: 3,
      };
      for (let i = 0; i < 3; ++i)
        assert.throws(() => engine.segment(large, { ...SEGMENT, resize: true }), codeOf('LIMIT_EXCEEDED'));
      assert.ok(engine.memory.buffer.byteLength <= 64 * 2 ** 20);
      assert.deepEqual(engine.segment(image, SEGMENT).argmax, before.argmax);
    });

    test('fails with LIMIT_EXCEEDED where there is no memory for a model', async () => {
      const engine = await engineOf(variant, {
        threads,
        maxMemoryBytes: 16 * 2 ** 20,
      });
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

    test('makes pictures and shapes of parts', async () => {
      const engine = await engineOf(variant, { threads });
      const { labels } = engine.load(read(EMBEDDED), { name: 'embedded' });
      const image = png('models/samples/chelsea.png');
      const maps = engine.segment(image, {
        ...SEGMENT,
        resize: true,
        keepImage: true,
      });
      // Another engine, without a model.
      const other = await engineOf(variant);
      const parts = { ...maps, labels };
      const pixels = image.width * image.height;
      const cats = maps.argmax.filter((c) => c === 8).length;
      assert.deepEqual(maps.image, image.data);
      assert.deepEqual(other.mask(parts).data, Uint8Array.from(maps.argmax));
      const written = [];
      const overlay = other.overlay(parts, 0.5, (text, height) => {
        written.push(text);
        return {
          width: 10,
          height,
          values: new Uint8Array(10 * height).fill(255),
        };
      });
      assert.equal(overlay.data.length, 3 * pixels);
      assert.match(written.join(), /CAT {2}\d+\.\d %/);
      const cut = other.cutout(parts, [8]);
      assert.equal(cut.channels, 4);
      assert.ok(Math.abs(cut.data.filter((_, i) => i % 4 === 3 && cut.data[i] > 127).length - cats) < cats / 50);
      const colored = other.cutout(parts, [8], { color: [1, 2, 3] });
      assert.equal(colored.channels, 3);
      const clear = maps.argmax.findIndex((_, i) => cut.data[4 * i + 3] === 0);
      assert.deepEqual([...colored.data.subarray(3 * clear, 3 * clear + 3)], [1, 2, 3]);
      assert.equal(other.cutout(parts, [8], { blur: 0.05 }).data.length, 3 * pixels);
      assert.equal(other.cutout(parts, [8], { image }).data.length, 3 * pixels);
      const rle = other.rle(parts, 8);
      assert.equal(rle.area, cats);
      assert.deepEqual(rle.size, [image.height, image.width]);
      assert.equal(
        rle.counts.reduce((a, n) => a + n),
        pixels,
      );
      assert.ok(rle.compressed.length > 0);
      const outlines = other.polygons(parts, 8, 0, 0);
      assert.equal(
        outlines.reduce((area, one) => area + one.area, 0),
        cats,
      );
    });

    test('refuses parts that do not fit, and what a text writer throws', async () => {
      const engine = await engineOf(variant);
      const parts = {
        width: 4,
        height: 2,
        argmax: new Int32Array(8),
        labels: ['BACKGROUND', 'CAT'],
      };
      assert.equal(engine.mask(parts).data.length, 8);
      const odd = [
        { ...parts, argmax: new Int32Array(7) },
        { ...parts, argmax: Int32Array.of(0, 0, 0, 2, 0, 0, 0, 0) },
        { ...parts, argmax: new Int32Array(8).fill(-1) },
        { ...parts, width: 2 ** 30, height: 2 ** 30 },
        { ...parts, width: NaN },
        { ...parts, width: -4 },
        { ...parts, labels: [] },
        { ...parts, image: new Uint8Array(3) },
        {
          ...parts,
          foreground: { width: 2, height: 2, values: new Float32Array(3) },
        },
      ];
      for (const one of odd) assert.throws(() => engine.mask(one), codeOf('INVALID_ARGUMENT'));
      assert.throws(() => engine.rle(parts, 2), codeOf('INVALID_ARGUMENT'));
      assert.throws(() => engine.polygons(parts, 0, NaN, 0), codeOf('INVALID_ARGUMENT'));
      assert.throws(() => engine.cutout(parts, []), codeOf('INVALID_ARGUMENT'));
      assert.throws(
        () => engine.segment({ data: new Uint8Array(3), width: 1, height: 1, channels: 3 }, SEGMENT),
        codeOf('MODEL_NOT_LOADED'),
      );
      const seen = {
        ...parts,
        argmax: new Int32Array(8).fill(1),
        image: new Uint8Array(24),
      };
      const broken = () => {
        throw new Error('no letters');
      };
      assert.throws(() => engine.overlay(seen, 0.5, broken), /no letters/);
      const lying = () => ({ width: 3, height: 3, values: new Uint8Array(1) });
      assert.throws(() => engine.overlay(seen, 0.5, lying), codeOf('INVALID_ARGUMENT'));
      assert.equal(engine.overlay(seen, 0.5).data.length, 24);
    });

    test('knows NaN from a number', async () => {
      const engine = await engineOf(variant, { threads });
      engine.load(read(EMBEDDED), { name: 'embedded' });
      // A clamp of kernels must let NaN through: else an activation would make a number of it, and a broken input a result.
      const values = engine.run(new Float32Array(3 * 513 * 513).fill(NaN));
      assert.ok(values.every(Number.isNaN));
    });
  });
}
