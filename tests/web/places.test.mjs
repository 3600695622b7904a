// Where the package works: under a strict policy, without shared memory, in workers and service workers; and what it says
// where files are missing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { openPage, serveHarness } from './support/harness.mjs';
import { STRICT_POLICY } from './support/server.mjs';

let browser;
before(async () => {
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
});

function person(page, options) {
  return page.evaluate((what) => window.countPerson(what), options);
}

async function inServer(options, use) {
  const server = await serveHarness(options);
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

test('without cross-origin isolation: one thread, the file without threads, the same result', async () => {
  let isolated;
  await inServer({}, async (server) => {
    const { page, failures, close } = await openPage(browser, server);
    assert.equal(await page.evaluate(() => self.crossOriginIsolated), true);
    isolated = await person(page);
    assert.deepEqual(failures(), []);
    await close();
  });
  assert.ok(isolated.person > 10_000 && isolated.person < 50_000, `${isolated.person} pixels`);
  await inServer({ isolated: false }, async (server) => {
    const { page, failures, close } = await openPage(browser, server);
    assert.equal(await page.evaluate(() => typeof SharedArrayBuffer), 'undefined');
    const alone = await person(page);
    assert.equal(alone.person, isolated.person);
    const files = server.requests.map(({ path }) => path.split('/').at(-1)).filter((name) => name.endsWith('.wasm'));
    assert.deepEqual(files, ['silhouette-relaxed.wasm']);
    // More threads than there can be are no error: they are a wish.
    assert.equal((await person(page, { threads: 4 })).person, isolated.person);
    assert.deepEqual(failures(), []);
    await close();
  });
});

for (const isolated of [true, false]) {
  test(`under a strict Content-Security-Policy, ${isolated ? 'with' : 'without'} threads`, async () => {
    await inServer({ policy: STRICT_POLICY, isolated }, async (server) => {
      const { page, failures, close } = await openPage(browser, server, { path: '/policy.html' });
      const { value, error } = await page.evaluate(() => window.segmenting);
      assert.equal(error, undefined);
      assert.ok(value.person > 10_000);
      assert.deepEqual(failures(), []);
      await close();
    });
  });
}

test('in a module worker', async () => {
  await inServer({}, async (server) => {
    const { page, failures, close } = await openPage(browser, server);
    const expected = await person(page);
    const found = await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = (event) => reject(new Error(event.message));
        }),
    );
    assert.deepEqual(found, expected);
    assert.deepEqual(failures(), []);
    await close();
  });
});

test('in a service worker', async () => {
  await inServer({}, async (server) => {
    const { page, close } = await openPage(browser, server);
    const expected = await person(page);
    const found = await page.evaluate(async () => {
      await navigator.serviceWorker.register('/service-worker.js', { type: 'module' });
      const { active } = await navigator.serviceWorker.ready;
      return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        active.postMessage('segment', [port2]);
      });
    });
    assert.deepEqual(found, expected);
    await close();
  });
});

test('the page goes on while a network runs', async () => {
  await inServer({}, async (server) => {
    const { page, close } = await openPage(browser, server);
    const turns = await page.evaluate(async () => {
      const segmenter = await window.silhouette.Segmenter.load(window.silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
      const photo = await (await fetch('/samples/bird.png')).blob();
      let count = 0;
      let running = true;
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        count += 1;
        if (running) channel.port2.postMessage(0);
      };
      channel.port2.postMessage(0);
      await segmenter.segment(photo, { resize: true });
      running = false;
      segmenter.close();
      return count;
    });
    // A page that was held up would have turned only a few times, before and after.
    assert.ok(turns > 100, `${turns} turns of the event loop`);
    await close();
  });
});

test('a server that gives .wasm another type', async () => {
  await inServer({}, async (server) => {
    server.faults.set('/package/dist/wasm/silhouette-relaxed-threads.wasm', { type: 'application/octet-stream' });
    const { page, close } = await openPage(browser, server);
    assert.ok((await person(page)).person > 10_000);
    await close();
  });
});

for (const [what, path] of [
  ['the engine', '/package/dist/wasm/silhouette-relaxed-threads.wasm'],
  ['the embedded model', '/package/dist/models/selfie_segmentation.pte'],
]) {
  test(`${what} isn't where it should be: an error that names it, and another try works`, async () => {
    await inServer({}, async (server) => {
      server.faults.set(path, { status: 404 });
      const { page, close } = await openPage(browser, server);
      const load = () =>
        page.evaluate(() =>
          window.outcome(
            window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED).then((s) => s.close()),
          ),
        );
      const { error } = await load();
      assert.ok(error?.isOurs, error?.message ?? 'it was loaded');
      assert.ok(error.message.includes(path), error.message);
      server.faults.delete(path);
      assert.equal((await load()).error, undefined);
      await close();
    });
  });
}
