import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Segmenter } from 'silhouette-seg';

import { chelsea, embeddedFile, packageRoot, serve, onlyWithAddon } from './support.js';

/** A worker that runs `body`, with the package as `silhouette` and `say(…)` to tell the test something. */
function runWorker(body: string, workerData: unknown = {}): Worker {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const silhouette = require(${JSON.stringify(packageRoot)});
    const say = (what) => parentPort.postMessage(what);
    (async () => { ${body} })();`;
  return new Worker(code, { eval: true, workerData });
}

async function heard(worker: Worker): Promise<unknown> {
  const [message] = (await Promise.race([
    once(worker, 'message'),
    once(worker, 'error').then(([error]) => Promise.reject(error as Error)),
  ])) as [unknown];
  return message;
}

const embedded = { model: embeddedFile, photo: chelsea };

test('workers give the same result as the main thread, at the same time', async () => {
  using segmenter = await Segmenter.load(embeddedFile);
  const workers = [1, 2].map(() =>
    runWorker(
      `const segmenter = await silhouette.Segmenter.load(workerData.model);
       const { argmax } = await segmenter.segment(workerData.photo);
       const copy = argmax.slice();
       parentPort.postMessage(copy, [copy.buffer]);`,
      embedded,
    ),
  );
  const [here, ...there] = await Promise.all([segmenter.segment(chelsea), ...workers.map(heard)]);
  for (const argmax of there) assert.deepEqual(argmax, here.argmax);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test('a worker that has nothing more to do ends', async () => {
  const worker = runWorker(
    `const segmenter = await silhouette.Segmenter.load(workerData.model);
     const result = await segmenter.segment(workerData.photo);
     say(result.width);`,
    embedded,
  );
  assert.equal(await heard(worker), 513);
  const [code] = (await once(worker, 'exit')) as [number];
  assert.equal(code, 0);
});

test('workers that are terminated while they load, segment and make pictures', async () => {
  for (let round = 0; round < 12; ++round) {
    const worker = runWorker(
      `say('loading');
       const segmenter = await silhouette.Segmenter.load(workerData.model);
       say('segmenting');
       const results = Array.from({ length: 4 }, () => segmenter.segment(workerData.photo, { resize: true, classes: [8] }));
       const result = await results[0];
       say('drawing');
       result.toOverlayPng();
       await results[3];
       say('done');`,
      embedded,
    );
    const phase = ['loading', 'segmenting', 'drawing'][round % 3];
    while ((await heard(worker)) !== phase);
    await new Promise((done) => setTimeout(done, round * 3));
    await worker.terminate();
  }
  // The process is as good as before.
  using segmenter = await Segmenter.load(embeddedFile);
  await segmenter.segment(chelsea);
});

test('a worker that is terminated during a download that stalls', async () => {
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('a');
  });
  try {
    const worker = runWorker(`silhouette.Segmenter.load(workerData.url); say('loading');`, {
      url: `${server.origin}/m.pte`,
    });
    await heard(worker);
    while (server.requests.length === 0) await new Promise((done) => setTimeout(done, 5));
    await worker.terminate();
  } finally {
    await server.close();
  }
});

function runProgram(body: string): { status: number | null; signal: string | null; output: string } {
  const code = `const silhouette = require(${JSON.stringify(packageRoot)});
    const [model, photo] = ${JSON.stringify([embeddedFile, chelsea])};
    (async () => { ${body} })();`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, signal, output: stdout + stderr };
}

test('a process that exits during a call', () => {
  for (const delay of [0, 5, 20, 60]) {
    const { status, output } = runProgram(
      `const segmenter = await silhouette.Segmenter.load(model);
       for (let i = 0; i < 4; ++i) segmenter.segment(photo, { resize: true }).catch(() => 0);
       setTimeout(() => process.exit(7), ${String(delay)});`,
    );
    assert.deepEqual({ status, output }, { status: 7, output: '' });
  }
});

test('a process ends by itself when nothing is left to do, closed or not', () => {
  const { status, output } = runProgram(
    `const segmenter = await silhouette.Segmenter.load(model);
     const result = await segmenter.segment(photo);
     console.log(result.width);`,
  );
  assert.deepEqual({ status, output }, { status: 0, output: '513\n' });
});

const copies = onlyWithAddon('results are never memory from outside');

test('results where buffers from outside are forbidden', { skip: copies }, async () => {
  process.env['SILHOUETTE_COPY_RESULTS'] = '1';
  try {
    const worker = runWorker(
      `const segmenter = await silhouette.Segmenter.load(workerData.model);
       const { argmax } = await segmenter.segment(workerData.photo);
       parentPort.postMessage(argmax, [argmax.buffer]);`,
      embedded,
    );
    using segmenter = await Segmenter.load(embeddedFile);
    assert.deepEqual(await heard(worker), (await segmenter.segment(chelsea)).argmax);
    await worker.terminate();
  } finally {
    delete process.env['SILHOUETTE_COPY_RESULTS'];
  }
});
