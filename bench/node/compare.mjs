// Silhouette beside onnxruntime-node with sharp: `node compare.mjs MODEL.onnx [RUNS]`. README.md says what is compared.
import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import sharp from 'sharp';

const [model, runs = '10'] = process.argv.slice(2);
if (model === undefined) throw new Error('which .onnx? README.md says how to make it');
const WARM_UPS = 2;

const folder = await mkdtemp(join(tmpdir(), 'silhouette-bench-'));
const sample = fileURLToPath(new URL('../../models/samples/chelsea.png', import.meta.url));
const photos = [];
for (const [width, height] of [
  [512, 512],
  [4000, 3000],
]) {
  const file = join(folder, `${width}.jpg`);
  await writeFile(file, await sharp(sample).resize(width, height, { fit: 'fill' }).jpeg({ quality: 90 }).toBuffer());
  photos.push({ name: `${width}×${height}`, file });
}

function start(side) {
  const child = fork(fileURLToPath(new URL('contender.mjs', import.meta.url)), [side, model]);
  const ask = (message) =>
    new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`${side} ended with ${code}`)));
      if (message) child.send(message);
    });
  return { side, child, ready: ask(), ask };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const cases = photos.flatMap((photo) => [false, true].map((resize) => ({ ...photo, resize })));
const table = [];
for (const { name, file, resize } of cases) {
  // New processes for every case, so that each has a peak of its own.
  const sides = ['silhouette', 'onnxruntime'].map(start);
  const results = new Map(sides.map(({ side }) => [side, []]));
  for (const { ready } of sides) await ready;
  for (let i = -WARM_UPS; i < Number(runs); ++i) {
    for (const { side, ask } of sides) {
      const result = await ask({ file, resize });
      if (i >= 0) results.get(side).push(result);
    }
  }
  for (const { child } of sides) {
    child.removeAllListeners('exit');
    child.kill();
  }
  const [ours, theirs] = [...results.values()];
  const apart = ours[0].shares.reduce((sum, share, c) => sum + Math.abs(share - theirs[0].shares[c]), 0) / 2;
  if (apart > 0.02) throw new Error(`the label maps differ on ${(apart * 100).toFixed(1)} % of the pixels`);
  for (const [side, list] of results) {
    table.push({
      photo: name,
      map: resize ? 'photo size' : 'model size',
      side: side === 'silhouette' ? 'Silhouette' : 'onnxruntime-node + sharp',
      'median ms': Math.round(median(list.map((result) => result.ms))),
      'min ms': Math.round(Math.min(...list.map((result) => result.ms))),
      'longest delay ms': Number(median(list.map((result) => result.delayMs)).toFixed(1)),
      'peak MB': Math.round(Math.max(...list.map((result) => result.peakMb))),
    });
  }
}
console.table(table);
await rm(folder, { recursive: true });
