import assert from 'node:assert/strict';
import { test } from 'node:test';

import { growthOfLoading, growthOfSegmenting } from './memory.js';

// A result holds 2 MiB of maps and a model 28 MiB, so that a leak of either shows. `npm run soak` runs longer and is stricter:
// what the C library keeps for later comes to rest only after some tens of loads.
test('segmenting does not leak', async (t) => {
  const { perStep, resident } = await growthOfSegmenting(60, 5);
  t.diagnostic(`${(perStep * 1024).toFixed(1)} KiB a call; ${resident.map((mib) => mib.toFixed(0)).join(' ')} MiB`);
  assert.ok(perStep < 0.25, String(perStep));
});

test('loading and closing does not leak', async (t) => {
  const { perStep, resident } = await growthOfLoading(24, 1);
  t.diagnostic(`${(perStep * 1024).toFixed(1)} KiB a cycle; ${resident.map((mib) => mib.toFixed(0)).join(' ')} MiB`);
  assert.ok(perStep < 5, String(perStep));
});
