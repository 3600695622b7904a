import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';

import { Segmenter } from 'silhouette-seg';

import {
  astronaut,
  chelsea,
  embeddedFile,
  isAbortError,
  largePhoto,
  serve,
  settlesAtOnce,
  tinyFile,
} from './support.js';

/**
 * Starts a call, aborts it when `when` is done, and checks that its promise rejects before anything else happens, which is
 * at once on any machine. The time is told, not judged.
 */
async function abortsAtOnce(
  t: TestContext,
  start: (signal: AbortSignal) => Promise<unknown>,
  when: () => Promise<unknown>,
): Promise<void> {
  const controller = new AbortController();
  const promise = start(controller.signal);
  promise.catch(() => undefined);
  await when();
  assert.equal(await settlesAtOnce(promise), false, 'the call is still going on');
  const began = performance.now();
  controller.abort();
  assert.ok(await settlesAtOnce(promise), 'the promise rejects in the same turn of the event loop');
  t.diagnostic(`rejected after ${(performance.now() - began).toFixed(2)} ms`);
  await assert.rejects(promise, isAbortError);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0, 'no listener is left behind');
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; ++i) await new Promise((done) => setImmediate(done));
};

test('a signal that is aborted already', async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(Segmenter.load(tinyFile, { signal }), isAbortError);
  using segmenter = await Segmenter.load(tinyFile);
  await assert.rejects(segmenter.segment(chelsea, { signal }), isAbortError);
  const reason = new Error('the user went away');
  await assert.rejects(segmenter.segment(chelsea, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

test('during a download', async (t) => {
  const bytes = readFileSync(tinyFile);
  let arrived = (): void => undefined;
  const request = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let stall = true;
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, 10));
    if (!stall) response.end(bytes.subarray(10));
    arrived();
  });
  try {
    const url = `${server.origin}/stalls.pte`;
    await abortsAtOnce(
      t,
      (signal) => Segmenter.load(url, { signal }),
      () => request,
    );
    stall = false;
    const segmenter = await Segmenter.load(url);
    await segmenter.segment(chelsea);
    segmenter.close();
  } finally {
    await server.close();
  }
});

test('of an image that is being downloaded or streamed', async (t) => {
  using segmenter = await Segmenter.load(tinyFile);
  let arrived = (): void => undefined;
  const request = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('a');
    arrived();
  });
  try {
    await abortsAtOnce(
      t,
      (signal) => segmenter.segment(`${server.origin}/photo.jpg`, { signal }),
      () => request,
    );
  } finally {
    await server.close();
  }
  let cancelled = false;
  const silent = new ReadableStream<Uint8Array>({
    cancel: () => {
      cancelled = true;
    },
  });
  await abortsAtOnce(
    t,
    (signal) => segmenter.segment(silent, { signal }),
    () => turns(1),
  );
  assert.ok(cancelled, 'the stream hears of it');
  const silentOfNode = new Readable({ read: () => undefined });
  await abortsAtOnce(
    t,
    (signal) => segmenter.segment(silentOfNode, { signal }),
    () => turns(1),
  );
  assert.ok(silentOfNode.destroyed);
  await segmenter.segment(chelsea);
});

test('in the queue and during a call', async (t) => {
  using segmenter = await Segmenter.load(embeddedFile, { concurrency: 1 });
  const expected = await segmenter.segment(astronaut);
  const photo = largePhoto(3000, 2000);
  for (let round = 0; round < 3; ++round) {
    const first = segmenter.segment(photo, { resize: true, keepImage: false });
    await abortsAtOnce(
      t,
      (signal) => segmenter.segment(chelsea, { signal }),
      () => turns(2),
    );
    const third = segmenter.segment(astronaut);
    assert.equal((await first).width, 3000);
    assert.deepEqual((await third).argmax, expected.argmax);
  }
  for (let round = 0; round < 3; ++round) {
    await abortsAtOnce(
      t,
      (signal) => segmenter.segment(photo, { resize: true, signal }),
      () => turns(2 + round),
    );
    assert.deepEqual((await segmenter.segment(astronaut)).argmax, expected.argmax, 'usable at once');
  }
});

test('after the end an abort does nothing', async () => {
  const controller = new AbortController();
  using segmenter = await Segmenter.load(tinyFile, { signal: controller.signal });
  const result = await segmenter.segment(chelsea, { signal: controller.signal });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  controller.abort();
  await segmenter.segment(chelsea);
  await assert.rejects(result.toMaskPng({ signal: controller.signal }), isAbortError);
  assert.ok((await result.toMaskPng()).length > 0);
});
