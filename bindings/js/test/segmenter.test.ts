import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import * as silhouette from 'silhouette-seg';
import { DEEPLAB_V3_MOBILENET_V2_EMBEDDED, Segmenter, type ImageInput, type Segmentation } from 'silhouette-seg';

import {
  astronaut,
  chelsea,
  embeddedFile,
  onlyWithAddon,
  ppm,
  rejectsWith,
  scratchFolder,
  tinyFile,
  withoutAddon,
} from './support.js';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

test('a result', async () => {
  const segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment(chelsea, { classes: ['CAT', 15, 'CAT'] });
  segmenter.close();

  assert.equal(result.width, 513);
  assert.equal(result.height, 513);
  assert.equal(result.labels.length, 21);
  assert.equal(result.labels[8], 'CAT');
  assert.ok(result.argmax instanceof Int32Array);
  assert.equal(result.argmax.length, 513 * 513);
  assert.deepEqual([...result.probabilities.keys()], ['CAT', 'PERSON']);
  const cat = result.probabilities.get('CAT');
  assert.ok(cat instanceof Float32Array);
  for (let i = 0; i < cat.length; ++i) {
    const p = cat[i] as number;
    if (p > 0.5) assert.equal(result.argmax[i], 8);
  }
  const { info } = result;
  assert.equal(info.model, DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  assert.ok(info.engine.length > 0 && info.engineReason.length > 0);
  assert.deepEqual([info.imageWidth, info.imageHeight], [451, 300]);
  assert.ok(info.timings.totalMs >= info.timings.networkMs && info.timings.networkMs > 0);

  // Results outlive their segmenter.
  const mask = Buffer.from(await result.toMaskPng());
  assert.deepEqual(mask.subarray(0, 4), PNG);
  assert.deepEqual([mask.readUInt32BE(16), mask.readUInt32BE(20)], [513, 513]);
  assert.deepEqual(Buffer.from(await result.toOverlayPng({ opacity: 0.3, legend: false })).subarray(0, 4), PNG);
  assert.deepEqual(Buffer.from(await result.toCutoutPng({ subject: ['CAT'] })).subarray(0, 4), PNG);
  await rejectsWith(result.toOverlayPng({ opacity: 2 }), 'INVALID_ARGUMENT', 'opacity');
  await rejectsWith(result.toCutoutPng({ subject: ['UNICORN'] }), 'INVALID_ARGUMENT', 'UNICORN');
});

test('run lengths and polygons', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment(chelsea, { keepImage: false });
  const { width, height, argmax } = result;
  const cats = argmax.filter((label) => label === 8).length;

  const rle = await result.toRle('CAT');
  assert.deepEqual(rle.size, [height, width]);
  assert.equal(rle.area, cats);
  const mask = new Uint8Array(width * height);
  let at = 0;
  rle.counts.forEach((count, i) => {
    for (const end = at + count; at < end; ++at) mask[(at % height) * width + Math.floor(at / height)] = i % 2;
  });
  assert.equal(at, width * height);
  assert.ok(argmax.every((label, i) => (label === 8 ? 1 : 0) === mask[i]));
  assert.match(rle.compressed, /^[0-o]+$/);
  assert.deepEqual((await result.toRle(8)).counts, rle.counts);

  const polygons = await result.toPolygons('CAT', { tolerance: 0 });
  assert.ok(polygons.length > 0);
  assert.equal(
    polygons.reduce((sum, polygon) => sum + polygon.area, 0),
    cats,
  );
  for (const { outer, holes, box } of polygons) {
    assert.ok(outer instanceof Int32Array && outer.length >= 6 && outer.length % 2 === 0);
    const [x, y, w, h] = box;
    assert.ok(outer.every((value, i) => (i % 2 ? value >= y && value <= y + h : value >= x && value <= x + w)));
    for (const hole of holes) assert.ok(hole.length >= 6);
  }
  const coarse = await result.toPolygons('CAT', { tolerance: 4, minArea: 100 });
  assert.ok((coarse[0]?.outer.length ?? 0) < (polygons[0]?.outer.length ?? 0));
  assert.deepEqual(await result.toPolygons('TRAIN'), []);
  assert.deepEqual((await result.toRle('TRAIN')).box, [0, 0, 0, 0]);
  await rejectsWith(result.toRle('UNICORN'), 'INVALID_ARGUMENT', 'UNICORN');
  await rejectsWith(result.toPolygons(8, { tolerance: -1 }), 'INVALID_ARGUMENT', 'tolerance');
  await rejectsWith(result.toPolygons(undefined as never), 'INVALID_ARGUMENT', 'label');
});

/** COCO's text for run lengths, as pycocotools' `rleFrString` reads it: signed numbers of 5-bit digits, the third and later less the one before last. */
function decodeCoco(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let [value, shift, digit] = [0, 0, 0];
    do {
      digit = text.charCodeAt(at++) - 48;
      value |= (digit & 31) << shift;
      shift += 5;
    } while (digit & 32);
    if (digit & 16) value |= -1 << shift;
    counts.push(counts.length > 2 ? value + (counts.at(-2) as number) : value);
  }
  return counts;
}

test('what results are as JSON', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment(chelsea, { classes: [8] });
  const rle = await result.toRle('CAT');
  const { size, counts, ...more } = JSON.parse(JSON.stringify(rle)) as { size: number[]; counts: string };
  assert.deepEqual(more, {});
  assert.deepEqual(size, [513, 513]);
  assert.deepEqual(decodeCoco(counts), [...rle.counts]);

  const polygons = await result.toPolygons('CAT');
  const [first] = JSON.parse(JSON.stringify(polygons)) as { outer: number[]; holes: number[][]; box: number[] }[];
  assert.deepEqual(first?.outer, [...(polygons[0]?.outer ?? [])]);
  assert.deepEqual(first.holes.length, polygons[0]?.holes.length);
  assert.deepEqual(first.box, polygons[0]?.box);

  const summary = JSON.parse(JSON.stringify(result)) as Record<string, unknown>;
  assert.deepEqual(Object.keys(summary), ['width', 'height', 'labels', 'classes', 'info']);
  // Workers and IndexedDB get copies.
  assert.deepEqual(structuredClone(rle).counts, rle.counts);
  assert.deepEqual(structuredClone(polygons)[0]?.outer, polygons[0]?.outer);
});

test('classes are found in any case, and by number', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment(chelsea, { classes: ['cat', 'Person', 'argmax'] });
  assert.deepEqual([...result.probabilities.keys()], ['CAT', 'PERSON']);
  assert.deepEqual(result.classes, [8, 15]);
  const map = result.probabilities.get('CAT');
  for (const name of ['cat', 'Cat', 8]) {
    assert.ok(result.probabilities.has(name));
    assert.equal(result.probabilities.get(name), map);
  }
  for (const name of ['dog', 12, 'UNICORN', 99, -1]) assert.ok(!result.probabilities.has(name), String(name));
  assert.deepEqual((await result.toRle('cat')).counts, (await result.toRle('CAT')).counts);
  assert.deepEqual(await result.toPolygons('cAT'), await result.toPolygons(8));
  assert.deepEqual(await result.toCutoutPng({ subject: ['cat'] }), await result.toCutoutPng({ subject: [8] }));
  await rejectsWith(result.toRle('cats'), 'INVALID_ARGUMENT', "'cats'", 'AEROPLANE');
});

test('labels that differ in case only, and labels that do not differ', async () => {
  const count = (await Segmenter.load(tinyFile)).description.labels.length;
  assert.ok(count >= 3);
  const labels = Array.from({ length: count }, (_, i) => ['thing', 'Thing'][i] ?? `other ${String(i)}`);
  using plain = await Segmenter.load(tinyFile);
  const all = labels.map((_, i) => i);
  const expected = await plain.segment(chelsea, { classes: all });
  using named = await Segmenter.load(tinyFile, { labels });
  const result = await named.segment(chelsea, { classes: all });
  assert.deepEqual([...result.probabilities.keys()], labels);
  for (const i of all) assert.deepEqual(result.probabilities.get(i), expected.probabilities.get(i));
  const one = await named.segment(chelsea, { classes: ['Thing', 'OTHER 2'] });
  assert.deepEqual(one.classes, [1, 2]);
  await rejectsWith(named.segment(chelsea, { classes: ['THING'] }), 'INVALID_ARGUMENT', '0, 1');
  await rejectsWith(result.toRle('THING'), 'INVALID_ARGUMENT', '0, 1');
  assert.equal((await result.toRle(1)).area, expected.argmax.filter((label) => label === 1).length);
  const same = labels.map((label) => label.toLowerCase());
  await rejectsWith(Segmenter.load(tinyFile, { labels: same }), 'INVALID_ARGUMENT', "'thing'", 'class 1');
});

test('a model with a SHA-256 that it must have', async () => {
  const bytes = readFileSync(tinyFile);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const wrong = sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  for (const source of [tinyFile, bytes]) {
    (await Segmenter.load(source, { sha256: sha256.toUpperCase() })).close();
    await rejectsWith(Segmenter.load({ modelSource: source, sha256: wrong }), 'INVALID_MODEL', wrong);
  }
});

test('resize gives the size of the upright original', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment(chelsea, { resize: true, classes: ['CAT'], keepImage: false });
  assert.deepEqual([result.width, result.height], [451, 300]);
  assert.equal(result.argmax.length, 451 * 300);
  assert.equal(result.probabilities.get('CAT')?.length, 451 * 300);
  await rejectsWith(result.toOverlayPng(), 'INVALID_ARGUMENT', 'keep');
});

test('all kinds of input give one result', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const bytes = readFileSync(astronaut);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const inputs: Record<string, ImageInput> = {
    path: astronaut,
    'file URI': pathToFileURL(astronaut).href,
    URL: pathToFileURL(astronaut),
    base64: bytes.toString('base64'),
    Buffer: bytes,
    Uint8Array: new Uint8Array(bytes),
    ArrayBuffer: new Uint8Array(bytes).buffer,
    'DataView at an offset': new DataView(Buffer.concat([Buffer.alloc(7), bytes]).buffer.slice(0)),
    'shared memory': new Uint8Array(shared),
    Blob: new Blob([bytes]),
    'web stream': new Blob([bytes]).stream() as ReadableStream<Uint8Array>,
    'Node stream': createReadStream(astronaut) as AsyncIterable<Uint8Array>,
  };
  const padded = Buffer.concat([Buffer.alloc(7), bytes]);
  inputs['DataView at an offset'] = new DataView(padded.buffer, padded.byteOffset + 7, bytes.length);
  const expected = (await segmenter.segment(astronaut)).argmax;
  assert.ok(expected.includes(15));
  for (const [kind, input] of Object.entries(inputs)) {
    assert.deepEqual((await segmenter.segment(input)).argmax, expected, kind);
  }
});

test('pixels of all kinds', async () => {
  using segmenter = await Segmenter.load(tinyFile);
  const [width, height] = [40, 30];
  const rgb = new Uint8Array(width * height * 3).map((_, i) => (i * 37) % 256);
  const rgba = new Uint8ClampedArray(width * height * 4).map((_, i) => (i % 4 === 3 ? 255 : (rgb[i - (i >> 2)] ?? 0)));
  const strided = new Uint8Array(height * 128);
  for (let y = 0; y < height; ++y) strided.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * 128);
  const expected = await segmenter.segment(ppm({ data: rgb, width, height }), { resize: true });
  assert.deepEqual([expected.width, expected.height], [width, height]);
  for (const input of [
    { data: rgb, width, height },
    { data: rgb, width, height, channels: 3 },
    { data: rgba, width, height },
    { data: strided, width, height, channels: 3, stride: 128 },
    { data: Buffer.from(rgb), info: { width, height, channels: 3, size: rgb.length } },
  ]) {
    assert.deepEqual((await segmenter.segment(input, { resize: true })).argmax, expected.argmax);
  }
  const grey = { data: rgb.subarray(0, width * height), width, height };
  assert.equal((await segmenter.segment(grey, { resize: true })).argmax.length, width * height);

  const short = { data: rgb.subarray(1), width, height };
  await rejectsWith(segmenter.segment(short), 'INVALID_ARGUMENT', '3599', '40 × 30');
  await rejectsWith(segmenter.segment({ ...short, channels: 3 }), 'INVALID_ARGUMENT', '3599');
  await rejectsWith(segmenter.segment({ data: rgb, width: 0, height }), 'INVALID_ARGUMENT', 'width');
  await rejectsWith(segmenter.segment({ data: rgb, width, height, channels: 2 }), 'INVALID_ARGUMENT', '2 channels');
  await rejectsWith(segmenter.segment({ data: [1, 2] as never, width, height }), 'INVALID_ARGUMENT', 'data');
});

test('calls at once give the same as calls in turn', async () => {
  using segmenter = await Segmenter.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED, { concurrency: 4 });
  const photos = [chelsea, astronaut];
  const serial: Segmentation[] = [];
  for (const photo of photos) serial.push(await segmenter.segment(photo, { classes: [8, 15] }));
  const inputs = Array.from({ length: 16 }, (_, i) => photos[i % 2] as string);
  const together = await Promise.all(inputs.map((input) => segmenter.segment(input, { classes: [8, 15] })));
  together.forEach((result, i) => {
    const expected = serial[i % 2];
    assert.deepEqual(result.argmax, expected?.argmax);
    assert.deepEqual(result.probabilities, expected?.probabilities);
  });
});

test('labels, mean and std of the caller', async () => {
  const plain = await Segmenter.load(tinyFile);
  const labels = plain.description.labels.map((_, i) => `thing ${String(i)}`);
  using named = await Segmenter.load(
    { modelSource: tinyFile, labels },
    { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  );
  assert.deepEqual(named.description.labels, labels);
  assert.equal(named.description.labelsOrigin, 'caller');
  assert.equal(named.description.normalizationOrigin, 'caller');
  assert.deepEqual(named.description.mean, [0.5, 0.5, 0.5]);
  const result = await named.segment(chelsea, { classes: ['thing 0'] });
  assert.deepEqual([...result.probabilities.keys()], ['thing 0']);
  await rejectsWith(Segmenter.load(tinyFile, { labels: ['only one'] }), 'INVALID_ARGUMENT', 'label');
  await rejectsWith(Segmenter.load(tinyFile, { std: [0, 1, 1] }), 'INVALID_ARGUMENT', 'deviation');
});

test('close', async () => {
  const segmenter = await Segmenter.load(tinyFile, { concurrency: 1 });
  const running = segmenter.segment(chelsea);
  const waiting = segmenter.segment(chelsea);
  await new Promise((done) => setImmediate(done));
  segmenter.close();
  segmenter.close();
  assert.ok(segmenter.closed);
  await rejectsWith(segmenter.segment(chelsea), 'MODEL_NOT_LOADED', 'closed');
  await rejectsWith(waiting, 'MODEL_NOT_LOADED');
  await running.catch((error: unknown) => {
    assert.equal((error as silhouette.SegmentationError).code, 'MODEL_NOT_LOADED');
  });
});

test('progress ends with 1 for local models and bytes too', async () => {
  for (const source of [DEEPLAB_V3_MOBILENET_V2_EMBEDDED, tinyFile, readFileSync(tinyFile)]) {
    const fractions: number[] = [];
    const segmenter = await Segmenter.load(source, { onProgress: (fraction) => fractions.push(fraction) });
    segmenter.close();
    assert.equal(fractions.at(-1), 1);
  }
});

test('engines by name agree', { skip: onlyWithAddon('there is no ExecuTorch') }, async () => {
  using official = await Segmenter.load(embeddedFile, { engine: 'executorch', threads: 1 });
  assert.equal(official.description.engine, 'executorch');
  assert.deepEqual([official.description.inputWidth, official.description.inputHeight], [513, 513]);
  const expected = (await official.segment(astronaut)).argmax;

  const cacheDirectory = scratchFolder();
  for (const options of [
    { memory: 'default' },
    { memory: 'low' },
    { keepPackedWeights: true, cacheDirectory },
    { keepPackedWeights: true, cacheDirectory },
  ] as const) {
    using native = await Segmenter.load(embeddedFile, { engine: 'native', ...options });
    assert.equal(native.description.engine, 'native');
    const { argmax } = await native.segment(astronaut);
    const different = argmax.filter((label, i) => label !== expected[i]).length;
    assert.ok(different <= argmax.length / 10_000, `${String(different)} pixels differ`);
  }
  const kept = await silhouette.cache.list({ cacheDirectory });
  assert.deepEqual(
    kept.map(({ packed, complete, name }) => ({ packed, complete, name })),
    [{ packed: true, complete: true, name: undefined }],
  );
  assert.ok((await silhouette.cache.size({ cacheDirectory })) > 1_000_000);
  assert.equal((await silhouette.cache.prune({ cacheDirectory, maxBytes: 0 })).length, 1);
});

test('the backend that is tested', async () => {
  using segmenter = await Segmenter.load(embeddedFile);
  const { engine, engineReason } = segmenter.description;
  assert.equal(engine, 'native');
  assert.equal(engineReason.includes('WebAssembly'), withoutAddon, engineReason);
  // It takes what says how the addon should work.
  using low = await Segmenter.load(embeddedFile, { memory: 'low', keepPackedWeights: true, threads: 1 });
  assert.deepEqual((await low.segment(chelsea)).argmax, (await segmenter.segment(chelsea)).argmax);
});

test('ExecuTorch where there is none', { skip: !withoutAddon && 'the addon has it' }, async () => {
  await rejectsWith(Segmenter.load(embeddedFile, { engine: 'executorch' }), 'UNSUPPORTED_MODEL', 'WebAssembly');
});

test('options that are none', async () => {
  const cases: [object, string][] = [
    [{ engine: 'warp' }, "'warp'"],
    [{ threads: 0 }, 'threads'],
    [{ threads: 1.5 }, '1.5'],
    [{ memory: 'huge' }, 'memory'],
    [{ keepPackedWeights: 1 }, 'keepPackedWeights'],
    [{ concurrency: 0 }, 'concurrency'],
    [{ signal: 'stop' }, 'signal'],
    [{ labels: 'CAT' }, 'labels'],
    [{ cacheDirectory: 5 }, 'cacheDirectory'],
  ];
  for (const [options, word] of cases) await rejectsWith(Segmenter.load(tinyFile, options), 'INVALID_ARGUMENT', word);
  using segmenter = await Segmenter.load(tinyFile);
  const wrong: [object, string][] = [
    [{ classes: 'CAT' }, 'classes'],
    [{ classes: [{}] }, 'classes'],
    [{ classes: [0.5] }, '0.5'],
    [{ classes: [1000] }, '1000'],
    [{ resize: 'yes' }, 'resize'],
    [{ filter: 'nearest' }, "'nearest'"],
    [{ keepImage: 1 }, 'keepImage'],
    [{ signal: {} }, 'signal'],
  ];
  for (const [options, word] of wrong) await rejectsWith(segmenter.segment(chelsea, options), 'INVALID_ARGUMENT', word);
});

test('the registry and its constants agree', () => {
  const constants = Object.entries(silhouette).filter(
    ([name, value]) => /^[A-Z][A-Z\d_]+$/.test(name) && typeof value === 'string',
  );
  for (const [name, value] of constants) assert.equal(value, name);
  assert.deepEqual(
    constants.map(([name]) => name).sort(),
    silhouette
      .registeredModels()
      .map((model) => model.name)
      .sort(),
  );
  assert.match(silhouette.version(), /^\d+\.\d+\.\d+$/);
});
