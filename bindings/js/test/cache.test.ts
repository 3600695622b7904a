import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';

import { cache, DEEPLAB_V3_MOBILENET_V2_EMBEDDED, DEEPLAB_V3_RESNET50, Segmenter } from 'silhouette-seg';

import { chelsea, eventually, rejectsWith, scratchFolder, serve, tinyFile } from './support.js';

test('list, size, remove and prune', async () => {
  const bytes = readFileSync(tinyFile);
  const server = await serve((_request, response) => {
    response.end(bytes);
  });
  const cacheDirectory = scratchFolder();
  const options = { cacheDirectory };
  process.env['SILHOUETTE_MODEL_HOST'] = server.origin;
  try {
    assert.deepEqual(await cache.list(options), []);
    assert.equal(await cache.size(options), 0);

    const began = Date.now();
    const url = `${server.origin}/mine.pte`;
    (await Segmenter.load(url, options)).close();
    using named = await Segmenter.load(DEEPLAB_V3_RESNET50, options);
    const models = await cache.list(options);
    assert.deepEqual(models.map(({ name }) => name).sort(), [DEEPLAB_V3_RESNET50, undefined].sort());
    for (const { path, bytes: size, complete, packed, lastUsed } of models) {
      assert.ok(path.startsWith(cacheDirectory));
      assert.equal(size, bytes.length);
      assert.equal(statSync(path).size, size);
      assert.ok(complete && !packed);
      // Files' times have steps.
      assert.ok(Math.abs(lastUsed.getTime() - began) < 600_000 && lastUsed.getTime() > began - 5_000);
    }
    assert.equal(await cache.size(options), 2 * bytes.length);

    assert.equal(await cache.remove(new URL(url), options), true);
    assert.equal(await cache.remove(url, options), false);
    assert.equal(await cache.size(options), bytes.length);
    await rejectsWith(cache.remove(DEEPLAB_V3_MOBILENET_V2_EMBEDDED, options), 'INVALID_ARGUMENT');
    await rejectsWith(
      cache.fetch(DEEPLAB_V3_MOBILENET_V2_EMBEDDED, { onProgress: 5 as never }),
      'INVALID_ARGUMENT',
      'onProgress',
    );
    await rejectsWith(cache.remove(tinyFile, options), 'INVALID_ARGUMENT', tinyFile);
    assert.ok(existsSync(tinyFile));

    assert.deepEqual(await cache.prune({ ...options, maxAgeMs: 3_600_000 }), []);
    assert.deepEqual(await cache.prune({ ...options, maxBytes: bytes.length }), []);
    const [deleted, ...more] = await cache.prune({ ...options, maxBytes: bytes.length - 1 });
    assert.equal(deleted?.name, DEEPLAB_V3_RESNET50);
    assert.deepEqual(more, []);
    assert.ok(!existsSync(deleted.path));
    // What is loaded stays so.
    await named.segment(chelsea);
    assert.equal(await cache.size(options), 0);
  } finally {
    delete process.env['SILHOUETTE_MODEL_HOST'];
    await server.close();
  }
});

test('an interrupted download is listed, and pruned', async () => {
  let arrived = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': 1000, ETag: '"1"' });
    response.write(Buffer.alloc(500), arrived);
  });
  const cacheDirectory = scratchFolder();
  const options = { cacheDirectory };
  try {
    const controller = new AbortController();
    const load = Segmenter.load(`${server.origin}/broken.pte`, { ...options, signal: controller.signal });
    load.catch(() => undefined);
    await written;
    // With what is noted about it.
    await eventually(async () => (await cache.size(options)) > 500);
    const [entry, ...more] = await cache.list(options);
    assert.equal(entry?.complete, false);
    assert.deepEqual(more, []);
    assert.deepEqual(await cache.prune(options), [], 'it is under way');
    controller.abort();
    // The native side lets go of the file a moment after the promise is rejected.
    await eventually(async () => (await cache.prune(options)).length === 1);
    assert.deepEqual(await cache.list(options), []);
  } finally {
    await server.close();
  }
});

test('a cache that is none', async () => {
  await rejectsWith(cache.list({ cacheDirectory: 5 as never }), 'INVALID_ARGUMENT', 'cacheDirectory');
  await rejectsWith(cache.remove(5 as never), 'INVALID_ARGUMENT', 'to remove is 5');
  await rejectsWith(cache.prune({ maxBytes: -1 }), 'INVALID_ARGUMENT', 'maxBytes');
  await rejectsWith(cache.prune({ maxAgeMs: NaN }), 'INVALID_ARGUMENT', 'maxAgeMs');
});
