import assert from 'node:assert/strict';
import { test } from 'node:test';

import { growthOfLoading, growthOfSegmenting } from './memory.js';

// A result holds 1 MiB of class map and 1 MiB of probabilities, a model 9 MiB: a leak of any shows. `npm run soak` runs longer.
test('segmenting does not leak', async (t) => {
  const { perStep, resident } = await growthOfSegmenting(120, 5);
  t.diagnostic(`${(perStep * 1024).toFixed(1)} KiB a call; ${resident.map((mib) => mib.toFixed(0)).join(' ')} MiB`);
  assert.ok(perStep < 0.25, String(perStep));
});

test('loading and closing does not leak', async (t) => {
  const { perStep, resident } = await growthOfLoading(40, 2);
  t.diagnostic(`${(perStep * 1024).toFixed(1)} KiB a cycle; ${resident.map((mib) => mib.toFixed(0)).join(' ')} MiB`);
  assert.ok(perStep < 1, String(perStep));
});
