import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';

import sharp from 'sharp';

import { encodePng, VOC_PALETTE } from '../dist/cjs/wasm/png.js';
import { toRgba } from '../dist/cjs/wasm/rgba.js';

/** Node 20.15 and later have it. */
const { crc32 } = zlib as { crc32?: (data: Uint8Array) => number };

type Channels = 1 | 3 | 4;

/** Pixels of a gradient with noise, or of few classes. */
function picture(width: number, height: number, channels: Channels, noise: number) {
  let random = 12345;
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    const pixel = Math.floor(i / channels);
    return (pixel % width) + Math.floor(pixel / width) * 3 + 40 * (i % channels) + (random % (noise + 1));
  });
  return { width, height, channels, data };
}

function chunksOf(png: Uint8Array): { type: string; data: Buffer }[] {
  const bytes = Buffer.from(png);
  assert.equal(bytes.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  const chunks = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    if (crc32 !== undefined) assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(body));
    chunks.push({ type: body.subarray(0, 4).toString('latin1'), data: body.subarray(4) });
    at += length + 12;
  }
  return chunks;
}

for (const channels of [1, 3, 4] as const) {
  test(`PNG of ${String(channels)} channels is what libvips reads`, async () => {
    for (const [width, height] of [
      [1, 1],
      [7, 5],
      [300, 211],
    ] as const) {
      for (const noise of [0, 5, 255]) {
        const given = picture(width, height, channels, noise);
        const png = await encodePng(given);
        assert.deepEqual(
          chunksOf(png).map(({ type }) => type),
          ['IHDR', 'IDAT', 'IEND'],
        );
        const { data, info } = await sharp(png)
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .raw()
          .toBuffer({ resolveWithObject: true });
        assert.deepEqual([info.width, info.height, info.channels], [width, height, channels]);
        assert.ok(data.equals(given.data), `${String(width)} × ${String(height)}, noise ${String(noise)}`);
      }
    }
  });
}

test('rows that are alike cost next to nothing, and filters help', async () => {
  const smooth = picture(512, 512, 3, 0);
  const png = await encodePng(smooth);
  assert.ok(png.length < smooth.data.length / 50, String(png.length));
});

test('with a palette, values are numbers of colours, and rows as they are', async () => {
  const [width, height] = [50, 20];
  const data = Uint8Array.from({ length: width * height }, (_, i) => i % 21);
  const png = await encodePng({ width, height, channels: 1, data }, VOC_PALETTE.subarray(0, 63));
  const chunks = chunksOf(png);
  assert.deepEqual(
    chunks.map(({ type }) => type),
    ['IHDR', 'PLTE', 'IDAT', 'IEND'],
  );
  const rows = zlib.inflateSync(chunks[2]?.data as Buffer);
  for (let y = 0; y < height; ++y) {
    assert.equal(rows[y * (width + 1)], 0);
    assert.deepEqual(
      [...rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1))],
      [...data.subarray(y * width, (y + 1) * width)],
    );
  }
  const { data: colors } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const expected = Buffer.from([...data].flatMap((label) => [...VOC_PALETTE.subarray(3 * label, 3 * label + 3)]));
  assert.ok(colors.equals(expected));
});

test("PASCAL VOC's colours", () => {
  const color = (label: number): number[] => [...VOC_PALETTE.subarray(3 * label, 3 * label + 3)];
  assert.deepEqual(color(0), [0, 0, 0]);
  assert.deepEqual(color(1), [128, 0, 0]);
  assert.deepEqual(color(8), [64, 0, 0]);
  assert.deepEqual(color(15), [192, 128, 128]);
  assert.deepEqual(color(20), [0, 64, 128]);
  assert.deepEqual(color(255), [224, 224, 192]);
});

test('pixels that are too few are refused', async () => {
  await assert.rejects(encodePng({ width: 3, height: 2, channels: 3, data: new Uint8Array(17) }), { code: 'INTERNAL' });
  await assert.rejects(encodePng({ width: 0, height: 2, channels: 3, data: new Uint8Array(0) }), { code: 'INTERNAL' });
});

test('RGBA of every kind of picture', () => {
  const rgb = toRgba({ width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  assert.deepEqual([...rgb.data], [1, 2, 3, 255, 4, 5, 6, 255]);
  const classes = toRgba({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 15) });
  assert.deepEqual([...classes.data], [0, 0, 0, 255, 192, 128, 128, 255]);
  const four = { width: 1, height: 1, channels: 4 as const, data: Uint8Array.of(1, 2, 3, 4) };
  assert.equal(toRgba(four).data, four.data);
});
