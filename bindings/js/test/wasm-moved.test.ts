// Bitmaps that are given to a worker, or come from one, are closed when nobody will get them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Platform, WorkerEvents } from '../dist/cjs/wasm/platform.js';
import { EngineWorker } from '../dist/cjs/wasm/worker-calls.js';

class Bitmap {
  closed = false;
  close(): void {
    this.closed = true;
  }
}
Object.assign(globalThis, { ImageBitmap: Bitmap });

interface Fake {
  worker: EngineWorker;
  events: WorkerEvents;
  /** What post does with the next message. */
  broken: boolean;
}

async function start(): Promise<Fake> {
  const fake: Partial<Fake> & { broken: boolean } = { broken: false };
  const platform = {
    threads: () => 1,
    maxMemoryBytes: () => 2 ** 30,
    // The smallest module that there is.
    compile: () => Promise.resolve(new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))),
    startWorker: (events: WorkerEvents) => {
      fake.events = events;
      return {
        post: (message: { call: string }) => {
          if (fake.broken) throw new TypeError('no');
          if (message.call === 'start')
            setImmediate(() => {
              events.onMessage({ value: { threads: 1 } });
            });
        },
        hold: () => undefined,
        end: () => undefined,
      };
    },
  } as unknown as Platform;
  fake.worker = await EngineWorker.start(platform, 1);
  return fake as Fake;
}

const given = { parts: { width: 1, height: 1, argmax: new Int32Array(1), labels: ['A'] }, channel: 0 };
const call = ({ worker }: Fake, bitmap?: Bitmap) => worker.call('rle', given, bitmap ? [bitmap] : []);
const fails = (promise: Promise<unknown>) => assert.rejects(promise);

test('of a call that is cancelled while it waits', async () => {
  const fake = await start();
  const [sent, waits] = [new Bitmap(), new Bitmap()];
  const running = call(fake, sent);
  const waiting = call(fake, waits);
  waiting.cancel();
  await fails(waiting.settled);
  assert.deepEqual([sent.closed, waits.closed], [false, true]);
  fake.worker.end();
  await fails(running.settled);
});

test('of calls that wait when the worker ends, or are made later', async () => {
  const fake = await start();
  const [waits, late] = [new Bitmap(), new Bitmap()];
  const calls = [call(fake), call(fake, waits)];
  fake.worker.end();
  calls.push(call(fake, late));
  for (const { settled } of calls) await fails(settled);
  assert.deepEqual([waits.closed, late.closed], [true, true]);
});

test('of a call that can’t be sent', async () => {
  const fake = await start();
  fake.broken = true;
  const bitmap = new Bitmap();
  await fails(call(fake, bitmap).settled);
  assert.ok(bitmap.closed);
});

test('of an answer that nobody waits for', async () => {
  const fake = await start();
  const [unwanted, late] = [new Bitmap(), new Bitmap()];
  const cancelled = call(fake);
  cancelled.cancel();
  fake.events.onMessage({ value: { deep: [{ bitmap: unwanted }] } });
  await fails(cancelled.settled);
  fake.worker.end();
  fake.events.onMessage({ value: { bitmap: late } });
  assert.deepEqual([unwanted.closed, late.closed], [true, true]);
});

test('of an answer that somebody waits for, nothing', async () => {
  const fake = await start();
  const bitmap = new Bitmap();
  const { settled } = call(fake);
  fake.events.onMessage({ value: { bitmap } });
  assert.equal(((await settled) as unknown as { bitmap: Bitmap }).bitmap, bitmap);
  assert.equal(bitmap.closed, false);
  fake.worker.end();
});
