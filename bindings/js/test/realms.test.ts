/** Values and the package itself from other globals than Node's: node:vm contexts, as Jest makes them, and jsdom's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { before, test } from 'node:test';
import { createContext, runInContext, type Context } from 'node:vm';

import { JSDOM } from 'jsdom';
import { Segmenter, type ImageInput, type Segmentation } from 'silhouette-seg';

import { astronaut, isAbortError, packageRoot, rejectsWith, tinyFile } from './support.js';

let expected: Int32Array;
let segmenter: Segmenter;
const file = readFileSync(astronaut);

before(async () => {
  segmenter = await Segmenter.load(tinyFile);
  expected = (await segmenter.segment(astronaut)).argmax;
});

function otherContext(): Context {
  return createContext({ file, shared: new SharedArrayBuffer(8) });
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what a text gives, the caller knows
function run<T>(context: Context, code: string): T {
  return runInContext(code, context) as T;
}

async function segmentsLikeTheFile(input: unknown, kind: string): Promise<void> {
  const { argmax } = await segmenter.segment(input as ImageInput);
  assert.deepEqual(argmax, expected, kind);
}

test('buffers of another context', async () => {
  const context = otherContext();
  const inputs = run<Record<string, unknown>>(
    context,
    `const bytes = Uint8Array.from(file);
     const shared = new SharedArrayBuffer(bytes.length);
     new Uint8Array(shared).set(bytes);
     const padded = new Uint8Array(bytes.length + 7);
     padded.set(bytes, 7);
     async function* chunks() { yield bytes.subarray(0, 1000); yield bytes.buffer.slice(1000); }
     ({ Uint8Array: bytes, ArrayBuffer: bytes.buffer, shared, 'view of shared memory': new Uint8Array(shared),
        DataView: new DataView(padded.buffer, 7), iterable: chunks() });`,
  );
  assert.ok(!(inputs['ArrayBuffer'] instanceof ArrayBuffer), 'the test must be able to fail');
  for (const [kind, input] of Object.entries(inputs)) await segmentsLikeTheFile(input, kind);
  const model = run<Uint8Array>(createContext({ file: readFileSync(tinyFile) }), 'Uint8Array.from(file)');
  using loaded = await Segmenter.load({ modelSource: model.buffer, labels: run(context, '[]') });
  assert.deepEqual((await loaded.segment(file)).argmax, expected);
});

test('pixels of another context', async () => {
  const [width, height] = [40, 30];
  const data = new Uint8Array(width * height * 4).map((_, i) => (i * 37) | ((i % 4 === 3 ? 255 : 0) & 255));
  const here = (await segmenter.segment({ data, width, height })).argmax;
  const there = run<ImageInput>(
    createContext({ data }),
    `class ImageData { constructor(data, width, height) { Object.assign(this, { data, width, height }); } }
     new ImageData(Uint8ClampedArray.from(data), 40, 30)`,
  );
  assert.deepEqual((await segmenter.segment(there)).argmax, here);
});

test('a signal of another context, and none', async () => {
  const code = `class Signal {
      #heard = new Set(); aborted = false; reason = undefined;
      addEventListener(kind, listener) { this.#heard.add(listener); }
      removeEventListener(kind, listener) { this.#heard.delete(listener); }
      get listeners() { return this.#heard.size; }
      abort(reason) { this.aborted = true; this.reason = reason; for (const hear of this.#heard) hear(); }
    }
    new Signal()`;
  type Foreign = AbortSignal & { listeners: number; abort: (reason?: unknown) => void };
  const signal = run<Foreign>(otherContext(), code);
  await segmenter.segment(file, { signal });
  assert.equal(signal.listeners, 0);
  const promise = segmenter.segment(file, { signal });
  signal.abort();
  await assert.rejects(promise, isAbortError);
  const other = run<Foreign>(otherContext(), code);
  const waiting = segmenter.segment(file, { signal: other });
  other.abort('enough');
  await assert.rejects(waiting, (reason) => reason === 'enough');

  for (const none of [null, undefined]) {
    using loaded = await Segmenter.load(tinyFile, { signal: none as never });
    const result = await loaded.segment(file, { signal: none as never });
    await result.toMaskPng({ signal: none as never });
    await result.toRle(0, { signal: none as never });
    await result.toPolygons(0, { signal: none as never });
  }
});

test("jsdom's URL, Blob, File, ArrayBuffer and AbortSignal", async () => {
  const { window } = new JSDOM('', { url: 'http://localhost/' });
  const { Blob: ItsBlob, File: ItsFile, URL: ItsUrl, AbortController: ItsController } = window;
  assert.ok(!(new ItsBlob([file]) instanceof Blob), 'the test must be able to fail');
  await segmentsLikeTheFile(new ItsUrl(`file://${astronaut}?v=2#top`), 'URL');
  await rejectsWith(segmenter.segment(new ItsBlob([file])), 'INVALID_ARGUMENT', 'arrayBuffer()');
  Object.defineProperty(globalThis, 'FileReader', { value: window.FileReader, configurable: true });
  try {
    await segmentsLikeTheFile(new ItsBlob([file]), 'Blob');
    await segmentsLikeTheFile(new ItsFile([file], 'a.png'), 'File');
  } finally {
    Reflect.deleteProperty(globalThis, 'FileReader');
  }
  const controller = new ItsController();
  const promise = segmenter.segment(file, { signal: controller.signal });
  controller.abort();
  await assert.rejects(promise, (error) => (error as Error).name === 'AbortError');
  const late = new ItsController();
  await segmenter.segment(file, { signal: late.signal });
});

/** Loads the package within a context, as a test runner's module registry does. */
function packageWithin(context: Context): { Segmenter: typeof Segmenter; SegmentationError: unknown } {
  const modules = new Map<string, { exports: unknown }>();
  const load = (path: string): unknown => {
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(path, module);
    const wrap = run<(...of: unknown[]) => void>(
      context,
      `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'utf8')}\n})`,
    );
    const outer = createRequire(path);
    const require = (name: string): unknown =>
      name.startsWith('.') ? load(resolve(dirname(path), name)) : (outer(name) as unknown);
    wrap(module.exports, require, module, path, dirname(path));
    return module.exports;
  };
  return load(resolve(packageRoot, 'dist', 'cjs', 'index.js')) as ReturnType<typeof packageWithin>;
}

test('the package in a context of its own, as test runners load it', async () => {
  const { setImmediate: later, queueMicrotask: soon, process: ofNode } = globalThis;
  const clock = { performance, setTimeout, clearTimeout };
  const ofTheWeb = { DOMException, URL, AbortController };
  const context = createContext({ setImmediate: later, queueMicrotask: soon, process: ofNode, ...clock, ...ofTheWeb });
  const within = packageWithin(context);
  const is = (value: unknown, name: string): boolean =>
    run<(value: unknown) => boolean>(context, `(value) => value instanceof ${name}`)(value);

  const loaded = await within.Segmenter.load(tinyFile);
  const inputs: Record<string, ImageInput> = {
    path: astronaut,
    Buffer: file,
    ArrayBuffer: new Uint8Array(file).buffer,
    Blob: new Blob([file]),
    URL: new URL(`file://${astronaut}`),
    Response: new Response(file),
    'web stream': new Blob([file]).stream() as ReadableStream<Uint8Array>,
  };
  let result: Segmentation | undefined;
  for (const [kind, input] of Object.entries(inputs)) {
    result = await loaded.segment(input, { classes: [0], signal: new AbortController().signal });
    assert.deepEqual([...result.argmax], [...expected], kind);
  }
  assert.ok(is(result?.argmax, 'Int32Array') && is(result?.probabilities.get(0), 'Float32Array'));
  assert.ok(is(result?.labels, 'Array') && is(result?.classes, 'Array') && is(result?.probabilities, 'Map'));

  const failing: [() => unknown, string][] = [
    [() => within.Segmenter.load('/no/such.pte'), 'FILE_NOT_FOUND'],
    [() => within.Segmenter.load(tinyFile, { threads: 0 }), 'INVALID_ARGUMENT'],
    [() => loaded.segment('/no/such.jpg'), 'FILE_NOT_FOUND'],
    [() => loaded.segment(file, { classes: ['UNICORN'] }), 'INVALID_ARGUMENT'],
    // The addon itself refuses this one, with a TypeError of Node's.
    [() => result?.toOverlayPng({ opacity: 'much' as never }), 'INVALID_ARGUMENT'],
  ];
  for (const [fail, code] of failing) {
    await assert.rejects(fail() as Promise<unknown>, (error: unknown) => {
      assert.ok(error instanceof (within.SegmentationError as new () => unknown) && is(error, 'Error'), String(error));
      assert.equal((error as { code?: unknown }).code, code);
      return true;
    });
  }
  loaded.close();
});
