import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import sharp from 'sharp';

import { readHeader } from '../web-modules/web/header.js';
import { chelsea } from './support.js';

const made = (format: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif', options: object = {}): Promise<Buffer> =>
  sharp({ create: { width: 37, height: 23, channels: 4, background: '#c82' } })
    .toFormat(format, options)
    .toBuffer();

const size = { width: 37, height: 23 };

test('formats and sizes are told by the first bytes', async () => {
  const files: [string, Buffer][] = [
    ['JPEG', await made('jpeg')],
    ['JPEG', await made('jpeg', { progressive: true })],
    ['PNG', await made('png')],
    ['WebP', await made('webp', { lossless: true })],
    ['WebP', await made('webp', { quality: 50 })],
    ['GIF', await made('gif')],
    ['AVIF', await made('avif')],
  ];
  for (const [format, bytes] of files) assert.deepEqual(readHeader(bytes), { format, size, cut: false });
});

test('a BMP, and one whose rows go from top to bottom', () => {
  for (const height of [23, -23]) {
    const bytes = Buffer.alloc(54);
    bytes.write('BM');
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(37, 18);
    bytes.writeInt32LE(height, 22);
    assert.deepEqual(readHeader(bytes), { format: 'BMP', size, cut: false });
  }
});

test('a JPEG with data behind its end and a thumbnail before its image', async () => {
  const image = await made('jpeg');
  const thumbnail = await made('jpeg');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(thumbnail.length + 2);
  const app = Buffer.concat([Buffer.of(0xff, 0xe1), length, thumbnail]);
  const both = Buffer.concat([image.subarray(0, 2), app, image.subarray(2)]);
  assert.deepEqual(readHeader(Buffer.concat([both, Buffer.from('behind')])), { format: 'JPEG', size, cut: false });
  assert.deepEqual(readHeader(both.subarray(0, -10)), { format: 'JPEG', size, cut: true });
});

test('what ends too early is known', async () => {
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const bytes = await made(format);
    assert.equal(readHeader(bytes.subarray(0, -3))?.cut, true, format);
  }
  const photo = readFileSync(chelsea);
  assert.equal(readHeader(photo)?.cut, false);
  assert.equal(readHeader(photo.subarray(0, 50_000))?.cut, true);
});

test('a PNG of gigabytes of pixels tells so', async () => {
  const bytes = await made('png');
  bytes.writeUInt32BE(60_000, 16);
  bytes.writeUInt32BE(60_000, 20);
  assert.deepEqual(readHeader(bytes)?.size, { width: 60_000, height: 60_000 });
});

test('other files are none of these, and nothing makes it fail or hang', async () => {
  for (const text of [
    '',
    'B',
    'BM',
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '%PDF-1.7',
    'RIFF????WAVE',
    '\0\0\0\0ftypisom',
  ]) {
    assert.equal(readHeader(Buffer.from(text)), undefined, text);
  }
  let random = 7;
  const next = (): number => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) >>> 8;
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif'] as const) {
    const bytes = await made(format);
    for (let i = 0; i < 2000; ++i) {
      const damaged = Buffer.from(bytes.subarray(0, 12 + (next() % bytes.length)));
      for (let flips = 0; flips < 8; ++flips) damaged[next() % damaged.length] = next();
      const found = readHeader(damaged)?.size;
      assert.ok(found === undefined || (found.width > 0 && found.height > 0));
    }
  }
});
