// Shows that the package runs in Deno or Bun: `deno run --allow-read scripts/other-runtimes.mjs` or `bun scripts/other-runtimes.mjs`
// after `npm run build`. Segments pixels with an embedded model, makes a PNG, and ends by itself.
import assert from 'node:assert/strict';

import { readableImageFormats, Segmenter, SELFIE_SEGMENTATION_EMBEDDED, version } from '../dist/esm/index.js';

const [width, height] = [640, 480];
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251);
const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
const result = await segmenter.segment({ data, width, height }, { classes: ['FOREGROUND'], resize: true });
assert.deepEqual([result.width, result.height], [width, height]);
assert.equal(result.probabilities.get('FOREGROUND')?.length, width * height);
const png = await result.toMaskPng();
assert.deepEqual([...png.subarray(1, 4)], [80, 78, 71]);
const frame = await segmenter.segmentFrame({ data, width, height }, { size: 'frame' });
assert.equal(frame?.alpha.length, width * height);
const refused = segmenter.segment(png);
if (readableImageFormats().length === 0) await assert.rejects(refused, { code: 'UNSUPPORTED_IMAGE' });
else assert.equal((await refused).info.imageWidth, width);
segmenter.close();
const where = 'Deno' in globalThis ? 'Deno' : 'Bun' in globalThis ? 'Bun' : 'this runtime';
console.log(`silhouette-seg ${version()} runs in ${where}: ${segmenter.description.engineReason}`);
