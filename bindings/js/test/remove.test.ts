import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  remove,
  Segmenter,
  SELFIE_SEGMENTATION_EMBEDDED,
  SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED,
  type Backdrop,
} from 'silhouette-seg';

import { astronaut, chelsea, isAbortError, rejectsWith } from './support.js';

/** Width, height and colour type of a PNG: 2 is RGB, 6 RGBA. */
function header(png: Uint8Array): [number, number, number] {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.length);
  assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[25] as number];
}

test('remove: a transparent picture of the photo size', async () => {
  const png = await remove(astronaut);
  assert.deepEqual(header(png), [512, 512, 6]);
  const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
  const result = await segmenter.segment(readFileSync(astronaut), { resize: true });
  assert.deepEqual(Buffer.from(await result.toCutoutPng()), Buffer.from(png));
  segmenter.close();
});

test('remove: every kind of background', async () => {
  const backgrounds: Backdrop[] = ['blur', { blur: 0.1 }, '#f80', '#FF8800', 'white', { image: chelsea }];
  const pictures = [];
  for (const background of backgrounds) {
    const png = await remove(astronaut, { background });
    assert.deepEqual(header(png), [512, 512, 2]);
    pictures.push(Buffer.from(png));
  }
  assert.ok(pictures[2]?.equals(pictures[3] as Buffer), 'one colour written in two ways');
  assert.ok(!pictures[0]?.equals(pictures[1] as Buffer));
  assert.deepEqual(header(await remove(astronaut, { background: 'transparent' })), [512, 512, 6]);
  assert.deepEqual(header(await remove(astronaut, { background: null })), [512, 512, 6]);
  for (const bad of ['#12', 'whit', 7, {}, { blur: 0 }, { blur: 2 }, { blur: 'x' }]) {
    await rejectsWith(remove(astronaut, { background: bad as never }), 'INVALID_ARGUMENT', 'background');
  }
  await rejectsWith(remove(astronaut, { background: { image: '/no/such.png' } }), 'FILE_NOT_FOUND', '/no/such.png');
});

test('remove: calls at once wait for their turn, null is as if nothing was said', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => remove(astronaut, { model: null, background: null })));
  for (const png of all) assert.deepEqual(header(png), [512, 512, 6]);
  const controller = new AbortController();
  const waiting = Array.from({ length: 6 }, () => remove(astronaut, { signal: controller.signal }));
  controller.abort();
  for (const call of waiting) await assert.rejects(call, isAbortError);
  await remove(astronaut);
});

test('remove: other models, their classes, signals', async () => {
  const cat = await remove(chelsea, { model: DEEPLAB_V3_MOBILENET_V2_EMBEDDED, subject: ['cat'], background: 'black' });
  assert.deepEqual(header(cat), [451, 300, 2]);
  assert.deepEqual(header(await remove(astronaut, { model: SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED })), [512, 512, 6]);
  await rejectsWith(
    remove(chelsea, { model: DEEPLAB_V3_MOBILENET_V2_EMBEDDED, subject: ['lion'] }),
    'INVALID_ARGUMENT',
  );
  await rejectsWith(remove('/no/such.jpg'), 'FILE_NOT_FOUND');
  await assert.rejects(remove(chelsea, { signal: AbortSignal.abort() }), isAbortError);
});
