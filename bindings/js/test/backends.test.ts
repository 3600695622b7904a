/** The package with its addon and without: the same pixels give the same results. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { registeredModels, Segmenter, version } from 'silhouette-seg';

import { astronaut, chelsea, onlyWithAddon, packageRoot, scratchFolder, tinyFile } from './support.js';

const skip = onlyWithAddon('there is nothing to compare with');
const folder = scratchFolder();

/** Runs a program with the package in WebAssembly; sharp is there, which no process with Debian's libvips may load. */
function inWasm(body: string): string {
  const code = `const silhouette = require(${JSON.stringify(packageRoot)});
    const { writeFileSync, readFileSync } = require('node:fs');
    const sharp = require(${JSON.stringify(join(packageRoot, 'node_modules', 'sharp'))});
    (async () => { ${body} })();`;
  return execFileSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    env: { ...process.env, SILHOUETTE_BACKEND: 'wasm' },
    maxBuffer: 1 << 28,
  });
}

interface Case {
  model: string;
  photo: string;
  classes: number[];
  resize: boolean;
  filter: 'antialias' | 'linear';
}

const VOC = 'DEEPLAB_V3_MOBILENET_V2_EMBEDDED';
const CASES: readonly Case[] = [
  { model: VOC, photo: chelsea, classes: [0, 8], resize: false, filter: 'antialias' },
  { model: VOC, photo: astronaut, classes: [15], resize: true, filter: 'linear' },
  { model: 'SELFIE_SEGMENTATION_EMBEDDED', photo: astronaut, classes: [1], resize: true, filter: 'antialias' },
  {
    model: 'SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED',
    photo: astronaut,
    classes: [1],
    resize: false,
    filter: 'antialias',
  },
  { model: tinyFile, photo: chelsea, classes: [0, 1, 2], resize: false, filter: 'antialias' },
];

test('maps', { skip }, async (t) => {
  // Pixels are decoded once, and results of WebAssembly written to files.
  inWasm(`
    for (const [i, { model, photo, ...options }] of ${JSON.stringify(CASES)}.entries()) {
      const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const name = (part) => ${JSON.stringify(folder)} + '/' + i + '.' + part;
      writeFileSync(name('pixels'), data);
      const segmenter = await silhouette.Segmenter.load(model);
      if (!segmenter.description.engineReason.includes('WebAssembly')) throw new Error('the wrong backend');
      const result = await segmenter.segment({ data, info }, options);
      writeFileSync(name('argmax'), result.argmax);
      for (const c of options.classes) writeFileSync(name(c), result.probabilities.get(c));
      const rle = await result.toRle(options.classes.at(-1));
      const polygons = await result.toPolygons(options.classes.at(-1));
      const { labels, labelsOrigin, mean, std, normalizationOrigin, operators } = segmenter.description;
      const described = { labels, labelsOrigin, mean, std, normalizationOrigin, operators };
      writeFileSync(name('json'), JSON.stringify({ info, rle, area: rle.area, box: rle.box, polygons, described }));
      for (const kind of ['Mask', 'Overlay', 'Cutout']) {
        const how = { subject: options.classes.slice(-1), background: i === 2 ? 'blur' : 'transparent' };
        writeFileSync(name(kind), await result['to' + kind + 'Png'](how));
      }
      segmenter.close();
    }`);
  for (const [i, { model, ...options }] of CASES.entries()) {
    const read = (part: string | number): Buffer => readFileSync(join(folder, `${String(i)}.${String(part)}`));
    const { info, rle, area, box, polygons, described } = JSON.parse(read('json').toString()) as {
      info: { width: number; height: number; channels: number };
      [name: string]: unknown;
    };
    using segmenter = await Segmenter.load(model);
    const result = await segmenter.segment({ data: read('pixels'), info }, options);
    const other = new Int32Array(Uint8Array.from(read('argmax')).buffer);
    assert.equal(other.length, result.argmax.length);
    const different = other.filter((label, at) => label !== result.argmax[at]).length;
    let error = 0;
    for (const c of options.classes) {
      const expected = result.probabilities.get(c) as Float32Array;
      const map = new Float32Array(Uint8Array.from(read(c)).buffer);
      assert.equal(map.length, expected.length);
      map.forEach((p, at) => (error = Math.max(error, Math.abs(p - (expected[at] as number)))));
    }
    t.diagnostic(`${model}: ${String(different)} of ${String(other.length)} pixels, error ${error.toExponential(1)}`);
    assert.ok(different <= other.length / 10_000, `${model}: ${String(different)} pixels differ`);
    assert.ok(error <= 1e-3, `${model}: ${String(error)}`);
    const { labels, labelsOrigin, mean, std, normalizationOrigin, operators } = segmenter.description;
    assert.deepEqual(described, { labels, labelsOrigin, mean, std, normalizationOrigin, operators });
    if (different === 0) {
      const last = options.classes.at(-1) as number;
      const expected = await result.toRle(last);
      assert.deepEqual([rle, area, box], [JSON.parse(JSON.stringify(expected)), expected.area, expected.box]);
      assert.deepEqual(polygons, JSON.parse(JSON.stringify(await result.toPolygons(last))));
    }
    const [subject, background] = [options.classes.slice(-1), i === 2 ? 'blur' : 'transparent'];
    writeFileSync(join(folder, `${String(i)}.Mask.addon`), await result.toMaskPng());
    writeFileSync(join(folder, `${String(i)}.Overlay.addon`), await result.toOverlayPng());
    writeFileSync(join(folder, `${String(i)}.Cutout.addon`), await result.toCutoutPng({ subject, background }));
  }
});

test('pictures', { skip }, (t) => {
  const output = inWasm(`
    const found = [];
    for (let i = 0; i < ${String(CASES.length)}; ++i) for (const kind of ['Mask', 'Overlay', 'Cutout']) {
      const file = ${JSON.stringify(folder)} + '/' + i + '.' + kind;
      const [ours, theirs] = await Promise.all([file, file + '.addon'].map(async (path) => {
        const image = sharp(readFileSync(path));
        const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
        const { format, paletteBitDepth, channels } = await image.metadata();
        return { data, size: [info.width, info.height, format, paletteBitDepth ?? 0, channels] };
      }));
      let far = 0;
      for (let at = 0; at < ours.data.length; ++at) if (Math.abs(ours.data[at] - theirs.data[at]) > 2) far += 1;
      found.push({ i, kind, sizes: [ours.size, theirs.size], far: far / ours.data.length });
    }
    console.log(JSON.stringify(found));`);
  const found = JSON.parse(output) as { i: number; kind: string; sizes: unknown[]; far: number }[];
  assert.equal(found.length, 3 * CASES.length);
  for (const { i, kind, sizes, far } of found) {
    t.diagnostic(`${String(i)} ${kind}: ${(far * 100).toFixed(3)} % of values differ by more than 2`);
    assert.deepEqual(sizes[0], sizes[1], `${String(i)} ${kind}`);
    // Legends are drawn by another version of Pango.
    assert.ok(far <= (kind === 'Overlay' ? 0.02 : 0.001), `${String(i)} ${kind}: ${String(far)}`);
  }
});

test('what is known of models', { skip }, () => {
  const other = inWasm('console.log(JSON.stringify([silhouette.registeredModels(), silhouette.version()]));');
  assert.deepEqual(JSON.parse(other), [registeredModels(), version()]);
});
