import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameMask, maskBytes, scaleToBytes, toBytes, type FrameArguments } from '../dist/cjs/wasm/frame.js';

const given = (options: Partial<FrameArguments>): FrameArguments => ({
  image: undefined,
  frameWidth: 4,
  frameHeight: 1,
  channels: [1],
  inverted: false,
  soft: true,
  size: 'model',
  smoothing: 0,
  bitmap: false,
  spare: undefined,
  ...options,
});

const maps = (...probabilities: number[][]) => ({
  width: probabilities[0]?.length ?? 0,
  height: 1,
  argmax: new Int32Array(probabilities[0]?.length ?? 0),
  classes: probabilities.map((_, i) => i),
  probabilities: probabilities.map((map) => Float32Array.from(map)),
  timings: { preprocessMs: 0, networkMs: 0, postprocessMs: 0 },
});

const near = (values: Float32Array, expected: number[]): void => {
  assert.equal(values.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(
      Math.abs((values[i] as number) - value) < 1e-6,
      `${String(values[i])} at ${String(i)}, not ${String(value)}`,
    );
  });
};

test('of one channel the probability is the alpha; several are added up; the rest is what is left', () => {
  near(new FrameMask().update(maps([0, 0.25, 0.5, 1]), given({})), [0, 0.25, 0.5, 1]);
  near(new FrameMask().update(maps([0, 0.25], [0.5, 0.25]), given({})), [0.5, 0.5]);
  near(new FrameMask().update(maps([0, 0.25, 1]), given({ inverted: true })), [1, 0.75, 0]);
});

test('of many classes the edge is where the subject is as probable as all else', () => {
  near(new FrameMask().update(maps([0, 0.3, 0.45, 0.5, 0.6, 0.7]), given({ soft: false })), [0, 0, 0.3, 0.5, 0.9, 1]);
});

test('smoothing keeps what the network is unsure of, and nothing else', () => {
  const mask = new FrameMask();
  near(mask.update(maps([0, 1, 0.9, 0]), given({ smoothing: 1 })), [0, 1, 0.9, 0]);
  // Sure: at once. Half and half: all of the last value stays.
  near(mask.update(maps([1, 0, 0.5, 0.5]), given({ smoothing: 1 })), [1, 0, 0.9, 0]);
  near(mask.update(maps([1, 0, 0.5, 0.5]), given({ smoothing: 0.5 })), [1, 0, 0.7, 0.25]);
  near(mask.update(maps([0.5, 0.5]), given({ smoothing: 1 })), [0.5, 0.5]);
});

test('bytes are rounded, and scaled between the middles of pixels', () => {
  const bytes = new Uint8ClampedArray(4);
  toBytes(Float32Array.of(0, 0.5, 0.999, 1), bytes);
  assert.deepEqual([...bytes], [0, 128, 255, 255]);
  const wide = new Uint8ClampedArray(8);
  scaleToBytes(Float32Array.of(0, 1), 2, 1, wide, 4, 2);
  assert.deepEqual([...wide], [0, 64, 191, 255, 0, 64, 191, 255]);
  const same = new Uint8ClampedArray(4);
  scaleToBytes(Float32Array.of(0, 1, 1, 0), 2, 2, same, 2, 2);
  assert.deepEqual([...same], [0, 255, 255, 0]);
});

test('memory is used again where it fits', () => {
  const spare = new ArrayBuffer(6);
  assert.equal(maskBytes(6, spare).buffer, spare);
  assert.notEqual(maskBytes(7, spare).buffer, spare);
  assert.equal(maskBytes(7, undefined).length, 7);
});
