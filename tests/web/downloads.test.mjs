// Models over a network that isn't kind, and what is kept of them.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, afterEach, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { openPage, serveHarness, sha256 } from './support/harness.mjs';
import { MODELS } from './support/paths.mjs';

const NAME = 'deeplab_v3_mobilenet_v2.pte';
const PATH = `/embedded/${NAME}`;
const SIZE = statSync(join(MODELS, NAME)).size;

const browser = await launchChromium();
let server;
let harness;
beforeEach(async () => {
  server = await serveHarness();
  harness = await openPage(browser, server);
});
afterEach(async () => {
  await harness.close();
  await server.close();
});
after(async () => {
  await browser.close();
});

/** Loads the model by its address and closes it; what came of it, with the fractions that it told. */
function load(options = {}, path = PATH) {
  return harness.page.evaluate(
    async ([url, more]) => {
      const fractions = [];
      const loading = window.silhouette.Segmenter.load(new URL(url, location.href).href, {
        ...more,
        onProgress: (fraction) => {
          window.fraction = fraction;
          fractions.push(fraction);
        },
      });
      const { error } = await window.outcome(loading.then((segmenter) => segmenter.close()));
      return { error, fractions };
    },
    [path, options],
  );
}

const asked = (path = PATH) => server.requests.filter((request) => request.path === path);

test('a download tells its progress, is kept, listed and deleted', async () => {
  const { error, fractions } = await load({ sha256: sha256(join(MODELS, NAME)) });
  assert.equal(error, undefined);
  assert.ok(fractions.length > 1);
  assert.deepEqual(
    fractions,
    [...fractions].sort((a, b) => a - b),
  );
  assert.equal(fractions.at(-1), 1);
  assert.equal((await load()).error, undefined);
  assert.equal(asked().length, 1, 'the second time it is here');

  const kept = await harness.page.evaluate(async () => {
    const { cache } = window.silhouette;
    const list = await cache.list();
    return {
      list: list.map(({ path, bytes, lastUsed }) => ({
        path,
        bytes,
        recent: Date.now() - lastUsed.getTime() < 600_000,
      })),
      size: await cache.size(),
    };
  });
  assert.equal(kept.list.length, 1);
  assert.ok(kept.list[0].recent);
  assert.equal(kept.list[0].bytes, SIZE);
  assert.ok(kept.size >= SIZE);

  const removed = await harness.page.evaluate(async (path) => {
    const { cache } = window.silhouette;
    const url = new URL(path, location.href).href;
    return [await cache.remove(url), await cache.remove(url), (await cache.list()).length];
  }, PATH);
  assert.deepEqual(removed, [true, false, 0]);
  assert.equal((await load()).error, undefined);
  assert.equal(asked().length, 2);
  const pruned = await harness.page.evaluate(async () => {
    const { cache } = window.silhouette;
    const gone = await cache.prune({ maxBytes: 0 });
    return [gone.length, (await cache.list()).length, await cache.size()];
  });
  assert.deepEqual(pruned, [1, 0, 0]);
});

test('what is here is used without a network, by the next page too', async () => {
  assert.equal((await load()).error, undefined);
  await harness.page.reload();
  await harness.page.waitForFunction(() => window.ready === true);
  // The engine comes from the package; only the model's server is gone.
  server.faults.set(PATH, { status: 503 });
  assert.equal((await load()).error, undefined);
  assert.equal(asked().length, 1);
});

test('a download that broke off is taken up where it broke off', async () => {
  let cut;
  const until = new Promise((resolve) => {
    cut = resolve;
  });
  server.faults.set(PATH, { cutAfter: 3_000_000, until, times: 1 });
  const loading = load({ sha256: sha256(join(MODELS, NAME)) });
  await harness.page.waitForFunction(() => window.fraction > 0.3);
  cut();
  const { error, fractions } = await loading;
  assert.equal(error, undefined);
  assert.equal(fractions.at(-1), 1);
  const [first, second] = asked();
  assert.equal(first.range, undefined);
  const from = Number(/^bytes=(\d+)-$/.exec(second?.range ?? '')?.[1]);
  assert.ok(from > 0 && from <= 3_000_000, `${second?.range}`);
  assert.match(second.ifRange, /^"[\da-f.-]+"$/);
});

test('a server without ranges gives the file from the beginning', async () => {
  server.faults.set(PATH, { cutAfter: 3_000_000, noRange: true, times: 1 });
  assert.equal((await load({ sha256: sha256(join(MODELS, NAME)) })).error, undefined);
  server.faults.set(PATH, { noRange: true });
  await harness.page.evaluate(() => window.silhouette.cache.prune({ maxBytes: 0 }));
  assert.equal((await load({ sha256: sha256(join(MODELS, NAME)) })).error, undefined);
});

test('a download that is aborted ends at once, and goes on from there the next time', async () => {
  let release;
  const until = new Promise((resolve) => {
    release = resolve;
  });
  server.faults.set(PATH, { holdAfter: 4_000_000, until, times: 1 });
  const outcome = await harness.page.evaluate(async (path) => {
    const controller = new AbortController();
    const url = new URL(path, location.href).href;
    const loading = window.silhouette.Segmenter.load(url, {
      signal: controller.signal,
      onProgress: (fraction) => {
        if (fraction > 0.2) controller.abort();
      },
    });
    return window.outcome(loading);
  }, PATH);
  release();
  assert.equal(outcome.error?.name, 'AbortError');
  assert.equal((await load({ sha256: sha256(join(MODELS, NAME)) })).error, undefined);
  const range = /^bytes=(\d+)-$/.exec(asked().at(-1).range ?? '');
  assert.ok(Number(range?.[1]) > 0, `${asked().at(-1).range}`);
});

test('a model of the package tells how much of it is there, and ends when it is aborted', async () => {
  const path = `/package/dist/models/${NAME}`;
  let goOn;
  const until = new Promise((resolve) => {
    goOn = resolve;
  });
  const held = 1_000_000;
  server.faults.set(path, { holdAfter: held, until });
  const load = () =>
    harness.page.evaluate(async () => {
      const controller = new AbortController();
      const fractions = [];
      const loading = window.silhouette.Segmenter.load(window.silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED, {
        signal: controller.signal,
        onProgress: (fraction) => {
          fractions.push(fraction);
          // What the server holds back for the first time.
          if (window.patient !== true && fraction > 0.1) controller.abort();
        },
      });
      const { error } = await window.outcome(loading.then((segmenter) => segmenter.close()));
      return { fractions, error };
    });
  const aborted = await load();
  assert.equal(aborted.error.name, 'AbortError');
  assert.equal(aborted.fractions[0], 0);
  assert.ok(aborted.fractions.at(-1) <= held / SIZE + 1e-9, String(aborted.fractions));
  goOn();
  await harness.page.evaluate(() => {
    window.patient = true;
  });
  const { fractions, error } = await load();
  assert.equal(error, undefined);
  assert.deepEqual(
    fractions,
    [...fractions].sort((a, b) => a - b),
  );
  assert.deepEqual([fractions[0], fractions.at(-1)], [0, 1]);
  assert.ok(fractions.length > 2);
});

test('two pages that load a model at once: one download', async () => {
  const other = await openPage(browser, server, { context: harness.context });
  let goOn;
  const until = new Promise((resolve) => {
    goOn = resolve;
  });
  server.faults.set(PATH, { holdAfter: 5_000_000, until });
  const loads = [harness, other].map(({ page }) =>
    page.evaluate(async (url) => {
      window.fractions = [];
      const loading = window.silhouette.Segmenter.load(new URL(url, location.href).href, {
        onProgress: (fraction) => window.fractions.push(fraction),
      });
      return window.outcome(loading.then((segmenter) => segmenter.close()));
    }, PATH),
  );
  // The one that waits sees how far the other one's download is.
  for (const { page } of [harness, other]) await page.waitForFunction(() => window.fractions.at(-1) > 0.3);
  goOn();
  for (const { error } of await Promise.all(loads)) assert.equal(error, undefined);
  for (const { page } of [harness, other]) assert.equal(await page.evaluate(() => window.fractions.at(-1)), 1);
  assert.equal(asked().length, 1);
  assert.deepEqual(other.failures(), []);
  await other.close();
});

test('two loads at once: one download', async () => {
  const errors = await harness.page.evaluate(async (path) => {
    const url = new URL(path, location.href).href;
    const loads = [1, 2].map(() =>
      window.outcome(window.silhouette.Segmenter.load(url).then((segmenter) => segmenter.close())),
    );
    return (await Promise.all(loads)).map(({ error }) => error?.message);
  }, PATH);
  assert.deepEqual(errors, [undefined, undefined]);
  assert.equal(asked().length, 1);
});

test('what a download must have and has not is refused, and not kept', async () => {
  const wrong = '0'.repeat(64);
  for (let i = 0; i < 2; ++i) {
    const { error } = await load({ sha256: wrong });
    assert.equal(error?.code, 'DOWNLOAD_FAILED');
    assert.ok(error.message.includes(wrong) && error.message.includes(PATH), error.message);
  }
  assert.equal(asked().length, 2, 'fetched anew, not taken from the cache');
  assert.equal((await load()).error, undefined);
});

test('what is not there, or no model', async () => {
  const missing = (await load({}, '/embedded/missing.pte')).error;
  assert.equal(missing?.code, 'DOWNLOAD_FAILED');
  assert.ok(missing.message.includes('/embedded/missing.pte') && missing.message.includes('404'), missing.message);
  const page = (await load({}, '/harness.html')).error;
  assert.ok(['INVALID_MODEL', 'DOWNLOAD_FAILED'].includes(page?.code), page?.message);
  assert.ok(page.message.includes('/harness.html'), page.message);
  const size = await harness.page.evaluate(() => window.silhouette.cache.size());
  assert.equal(size, 0, 'a page is not kept as a model');
});

test('no room left: a clear error, and nothing half is kept', async () => {
  const session = await harness.context.newCDPSession(harness.page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 1_000_000 });
  const { error } = await harness.page.evaluate(
    (path) => window.outcome(window.silhouette.cache.fetch(new URL(path, location.href).href)),
    PATH,
  );
  assert.ok(error?.isOurs, error?.message ?? 'it was kept');
  assert.equal(error.code, 'LIMIT_EXCEEDED', error.message);
  await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
  const { error: later } = await harness.page.evaluate(
    (path) => window.outcome(window.silhouette.cache.fetch(new URL(path, location.href).href)),
    PATH,
  );
  assert.equal(later, undefined);
  const size = await harness.page.evaluate(() => window.silhouette.cache.size());
  assert.ok(size >= SIZE);
});
