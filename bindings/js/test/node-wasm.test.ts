/** What Node does without the addon: the choice of the backend, images by sharp or without it, engines that are none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Segmenter } from 'silhouette-seg';

import {
  chelsea,
  packageRoot,
  ppm,
  rejectsWith,
  repository,
  scratchFolder,
  tinyFile,
  withoutAddon,
} from './support.js';

const skip = !withoutAddon && 'the addon is tested';
const folder = scratchFolder();
const images = join(repository, 'tests', 'data', 'images');

/** What a program of its own prints; `model`, `photo` and the package as `silhouette` are there. */
function run(body: string, env: NodeJS.ProcessEnv = {}, preload = ''): string {
  const code = `${preload}
    const silhouette = require(${JSON.stringify(packageRoot)});
    const [model, photo] = ${JSON.stringify([tinyFile, chelsea])};
    const tell = (promise) => promise.then(() => console.log('works'), ({ code, message }) => console.log(code, message));
    (async () => { ${body} })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(stderr, '');
  return stdout.trim();
}

/** A program that has no sharp. */
const withoutSharp = `const Module = require('node:module');
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (name, ...rest) => {
    if (name === 'sharp') throw Object.assign(new Error("Cannot find module 'sharp'"), { code: 'MODULE_NOT_FOUND' });
    return resolve(name, ...rest);
  };`;

test('the backend that was asked for', { skip }, () => {
  const load = 'await tell(silhouette.Segmenter.load(model));';
  assert.equal(run(load), 'works');
  assert.equal(run(load, { SILHOUETTE_BACKEND: 'wasm' }), 'works');
  assert.match(run(load, { SILHOUETTE_BACKEND: 'addon' }), /^ADDON_UNAVAILABLE Silhouette has no addon for /);
  assert.match(run(load, { SILHOUETTE_ADDON: '/no/such.node' }), /^ADDON_UNAVAILABLE .*\/no\/such\.node/s);
  assert.match(run(load, { SILHOUETTE_BACKEND: 'gpu' }), /^INVALID_ARGUMENT \$SILHOUETTE_BACKEND is 'gpu'; .*'wasm'/);
  const reason = run('console.log((await silhouette.Segmenter.load(model)).description.engineReason);');
  assert.match(reason, /; in WebAssembly, since Silhouette has no addon for \w+-\w+/);
});

test('engines that are none', { skip }, () => {
  const load = 'await tell(silhouette.Segmenter.load(model)); await tell(silhouette.Segmenter.load(model));';
  const twice = (pattern: string): RegExp => new RegExp(`^(${pattern}\n?){2}$`);
  assert.match(
    run(load, { SILHOUETTE_WASM: '/no/such' }),
    twice('ADDON_UNAVAILABLE .*/no/such/silhouette.*run ./dev web'),
  );
  const names = ['', '-relaxed'].flatMap((part) => ['', '-threads'].map((end) => `silhouette${part}${end}.wasm`));
  for (const [what, bytes] of Object.entries({ broken: 'no module', empty: '\0asm\x01\0\0\0' })) {
    mkdirSync(join(folder, what));
    for (const name of names) writeFileSync(join(folder, what, name), bytes, 'latin1');
  }
  assert.match(run(load, { SILHOUETTE_WASM: join(folder, 'broken') }), twice("ADDON_UNAVAILABLE .*can't be loaded.*"));
  assert.match(run(load, { SILHOUETTE_WASM: join(folder, 'empty') }), twice('INTERNAL .*'));
});

test('without sharp: pixels and PPM, and a message that tells what helps', { skip }, () => {
  const pixels = { data: new Uint8Array(40 * 30 * 3).fill(90), width: 40, height: 30 };
  const file = join(folder, 'grey.ppm');
  writeFileSync(file, ppm(pixels));
  const body = `
    const segmenter = await silhouette.Segmenter.load(model);
    await tell(segmenter.segment({ data: new Uint8Array(40 * 30 * 3), width: 40, height: 30 }));
    await tell(segmenter.segment(${JSON.stringify(file)}));
    await tell(segmenter.segment(photo));
    const result = await segmenter.segment(${JSON.stringify(file)});
    await tell(result.toOverlayPng());
    console.log(silhouette.readableImageFormats().join());`;
  const lines = run(body, {}, withoutSharp).split('\n');
  assert.deepEqual([lines[0], lines[1], lines[3], lines[4]], ['works', 'works', 'works', 'PPM']);
  assert.match(lines[2] ?? '', /^UNSUPPORTED_IMAGE '.*chelsea\.png' .*sharp.*not installed.*npm install sharp.*pixels/);
});

/** Probabilities of the tiny network: what an image's pixels are, in short. */
async function seen(input: string | Uint8Array): Promise<Float32Array> {
  using segmenter = await Segmenter.load(tinyFile);
  return (await segmenter.segment(input, { classes: [0], resize: true })).probabilities.get(0) as Float32Array;
}

test('images are turned as EXIF says, and flattened on white', { skip }, async () => {
  const upright = await seen(join(images, 'orientation_1.png'));
  for (let i = 2; i <= 8; ++i) {
    assert.deepEqual(await seen(join(images, `orientation_${String(i)}.png`)), upright, String(i));
  }
  // The tests of the native library know this one: three colours, one of them half transparent, one clear.
  const alpha = await seen(join(images, 'palette_alpha.png'));
  assert.ok(alpha.length > 0 && alpha.every((p) => p >= 0 && p <= 1));
});

test('images that are none, or of other kinds', { skip }, async () => {
  using segmenter = await Segmenter.load(tinyFile);
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
  );
  await rejectsWith(segmenter.segment(svg), 'UNSUPPORTED_IMAGE', 'give JPEG, PNG');
  const jpeg = readFileSync(join(images, 'photo.jpg'));
  await rejectsWith(segmenter.segment(jpeg.subarray(0, jpeg.length / 2)), 'INVALID_IMAGE', 'JPEG');
  await rejectsWith(segmenter.segment(join(images, 'huge_header.png')), 'LIMIT_EXCEEDED');
  const netpbm: [text: string, code: 'INVALID_IMAGE' | 'UNSUPPORTED_IMAGE' | 'LIMIT_EXCEEDED'][] = [
    ['P6\n4 4\n255\nabc', 'INVALID_IMAGE'],
    ['P6\n4 x\n255\n', 'INVALID_IMAGE'],
    ['P6\n0 4\n255\n', 'INVALID_IMAGE'],
    ['P6\n99999 99999\n255\n', 'LIMIT_EXCEEDED'],
    ['P6\n1 1\n65535\nabcdef', 'UNSUPPORTED_IMAGE'],
    ['P3\n1 1\n255\n1 2 3', 'UNSUPPORTED_IMAGE'],
  ];
  for (const [text, code] of netpbm) await rejectsWith(segmenter.segment(Buffer.from(text, 'latin1')), code);
  const commented = Buffer.from('P5 # grey\n2 # wide\n2\n# deep\n15\n\x00\x05\x0a\x0f', 'latin1');
  const plain = { data: Uint8Array.of(0, 85, 170, 255), width: 2, height: 2, channels: 1 };
  const [a, b] = [
    await segmenter.segment(commented, { classes: [0] }),
    await segmenter.segment(plain, { classes: [0] }),
  ];
  assert.deepEqual(a.probabilities.get(0), b.probabilities.get(0));
});

test('paths and URIs', { skip }, async () => {
  using segmenter = await Segmenter.load(tinyFile);
  const expected = (await segmenter.segment(chelsea)).argmax;
  const base64 = readFileSync(chelsea).toString('base64');
  for (const input of [`  ${chelsea}\n`, `file://${chelsea}?v=1`, `data:image/png;base64,${base64}`, base64]) {
    assert.deepEqual((await segmenter.segment(input)).argmax, expected, input.slice(0, 40));
  }
  await rejectsWith(segmenter.segment('file://elsewhere/a.png'), 'INVALID_ARGUMENT', 'elsewhere');
  await rejectsWith(segmenter.segment('ftp://a/b.png'), 'INVALID_ARGUMENT', "'ftp'");
  await rejectsWith(segmenter.segment('a\0b'), 'INVALID_ARGUMENT', 'NUL');
  await rejectsWith(segmenter.segment(folder), 'IO_ERROR', 'directory');
  await rejectsWith(segmenter.segment('data:image/png;base64'), 'INVALID_ARGUMENT', 'comma');
  await rejectsWith(Segmenter.load('DEEPLAB_V3_RESNET5'), 'INVALID_ARGUMENT', 'did you mean DEEPLAB_V3_RESNET50?');
  await rejectsWith(Segmenter.load('data:,x'), 'INVALID_ARGUMENT', 'data:,x');
});
