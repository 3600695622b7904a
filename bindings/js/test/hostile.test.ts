/** What clumsy and hostile programs pass: whatever it is, the answer is a SegmentationError with a code and a reason. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import {
  cache,
  type ErrorCode,
  ImageSegmentationModule,
  registerAsset,
  SegmentationError,
  Segmenter,
  type Segmentation,
} from 'silhouette-seg';

import { chelsea, rejectsWith, serveFile, tinyFile } from './support.js';

let segmenter: Segmenter;
let result: Segmentation;
const file = readFileSync(chelsea);
const copy = (): Uint8Array<ArrayBuffer> => Uint8Array.from(file);

before(async () => {
  segmenter = await Segmenter.load(tinyFile, { concurrency: 1 });
  result = await segmenter.segment(chelsea);
});
after(() => {
  segmenter.close();
});

/** Something that throws whatever is done with it. */
function thorny(): object {
  const throws = (): never => {
    throw new Error('thorns');
  };
  return new Proxy({}, { get: throws, has: throws, ownKeys: throws, getPrototypeOf: throws });
}

const throwing = (name: string): object => Object.defineProperty({}, name, { get: () => assert.fail('from a getter') });

async function refused(
  promise: Promise<unknown>,
  what: string,
  codes: ErrorCode[] = ['INVALID_ARGUMENT'],
): Promise<void> {
  await assert.rejects(
    promise,
    (error: unknown) => {
      assert.ok(error instanceof SegmentationError, `${what}: a SegmentationError, not ${String(error)}`);
      assert.ok(codes.includes(error.code), `${what}: ${error.code}: ${error.message}`);
      assert.ok(error.message.length > 10, what);
      return true;
    },
    what,
  );
}

const odd: [string, unknown][] = [
  ['a symbol', Symbol('x')],
  ['a bigint', 10n],
  ['NaN', NaN],
  ['a date', new Date()],
  ['a function', (): number => 0],
  ['an array', [1, 2, 3]],
  ['a map', new Map()],
  ['an object without a prototype', Object.create(null)],
  ['a promise', Promise.resolve(chelsea)],
  ['thorns', thorny()],
  ['a typed array of floats that is no model and no image', new Float64Array(2)],
  ['true', true],
];

test('odd things in the place of images and models', async () => {
  for (const [what, value] of odd) {
    await refused(segmenter.segment(value as never), what, ['INVALID_ARGUMENT', 'UNSUPPORTED_IMAGE', 'INVALID_IMAGE']);
    await refused(Segmenter.load(value as never), what, ['INVALID_ARGUMENT', 'INVALID_MODEL']);
    await refused(Segmenter.load({ modelSource: value }), what, ['INVALID_ARGUMENT', 'INVALID_MODEL']);
    await refused(ImageSegmentationModule.load(value as never), what, ['INVALID_ARGUMENT', 'INVALID_MODEL']);
    assert.throws(() => registerAsset(value as never), SegmentationError, what);
    await refused(cache.remove(value as never), what);
  }
});

test('odd things in the place of options', async () => {
  const notObjects = odd.filter(([, value]) => typeof value !== 'object');
  for (const [what, value] of [...notObjects, ['thorns', thorny()] as const, ['5', 5] as const]) {
    await refused(segmenter.segment(file, value as never), what);
    await refused(Segmenter.load(tinyFile, value as never), what);
    await refused(result.toMaskPng(value as never), what);
    await refused(result.toOverlayPng(value as never), what);
    await refused(result.toCutoutPng(value as never), what);
    await refused(result.toRle(0, value as never), what);
    await refused(result.toPolygons(0, value as never), what);
    await refused(cache.list(value as never), what);
    await refused(cache.size(value as never), what);
    await refused(cache.prune(value as never), what);
  }
});

test('odd things in every option', async () => {
  const calls: Record<string, (options: never) => Promise<unknown>> = {
    'threads memory engine keepPackedWeights cacheDirectory concurrency onProgress signal labels mean std sha256': (
      options,
    ) => Segmenter.load(tinyFile, options),
    'classes resize filter keepImage signal': (options) => segmenter.segment(file, options),
    'opacity legend signal': (options) => result.toOverlayPng(options),
    'subject signal': (options) => result.toCutoutPng(options),
    signal: (options) => result.toRle(0, options),
    'tolerance minArea signal ': (options) => result.toPolygons(0, options),
    'cacheDirectory maxBytes maxAgeMs': (options) => cache.prune(options),
  };
  const fits: Record<string, string[]> = {
    onProgress: ['a function'],
    legend: ['true'],
    resize: ['true'],
    keepImage: ['true'],
    keepPackedWeights: ['true'],
    mean: ['an array'],
    std: ['an array'],
    // Numbers of classes.
    classes: ['an array'],
    subject: ['an array'],
  };
  for (const [names, call] of Object.entries(calls)) {
    for (const name of names.trim().split(' ')) {
      await refused(call(throwing(name) as never), `a getter of ${name}`);
      for (const [what, value] of odd) {
        if (!fits[name]?.includes(what)) await refused(call({ [name]: value } as never), `${name}: ${what}`);
      }
      // As if it were not there.
      const [without, withNull] = await Promise.allSettled([call({} as never), call({ [name]: null } as never)]);
      assert.deepEqual(withNull.status, without.status, name);
    }
  }
  for (const classes of [[1e10], [-1e10], [Infinity], [Symbol('x')], [-1], [, 1]]) {
    await refused(segmenter.segment(file, { classes } as never), String(classes.length));
    await refused(result.toCutoutPng({ subject: classes } as never), 'subject');
  }
  await refused(result.toRle(2 ** 31), '2 ** 31');
  await refused(result.toRle(thorny() as never), 'thorns');
  assert.deepEqual(await result.toPolygons(0, { minArea: 1e300 }), []);
});

test('buffers that are transferred or change their size', async () => {
  const detached = copy();
  const { buffer } = detached;
  structuredClone(null, { transfer: [buffer] });
  for (const input of [detached, buffer, { data: detached, width: 1, height: 1 }]) {
    await refused(segmenter.segment(input), 'detached', ['INVALID_ARGUMENT', 'INVALID_IMAGE']);
  }
  await rejectsWith(segmenter.segment(buffer), 'INVALID_ARGUMENT', 'transferred');
  await rejectsWith(Segmenter.load(buffer), 'INVALID_ARGUMENT', 'transferred');

  const waits = copy();
  const [first, second] = [segmenter.segment(chelsea), segmenter.segment(waits)];
  structuredClone(null, { transfer: [waits.buffer] });
  await first;
  await rejectsWith(second, 'INVALID_ARGUMENT', 'waited for its turn');

  type Resizable = new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & {
    resizable?: boolean;
    resize(length: number): void;
  };
  const resizable = new (ArrayBuffer as unknown as Resizable)(file.length, { maxByteLength: file.length * 2 });
  if (resizable.resizable !== true) return;
  new Uint8Array(resizable).set(file);
  const { argmax } = await segmenter.segment(chelsea);
  const inputs = [
    resizable,
    new Uint8Array(resizable),
    new Uint8Array(resizable, 0, file.length),
    new DataView(resizable),
  ];
  for (const input of inputs) assert.deepEqual((await segmenter.segment(input)).argmax, argmax);
  const [third, fourth] = [segmenter.segment(chelsea), segmenter.segment(inputs[2] as Uint8Array)];
  resizable.resize(10);
  await third;
  await rejectsWith(fourth, 'INVALID_ARGUMENT', 'resized');
  for (const input of inputs) {
    await refused(segmenter.segment(input), 'resized', ['INVALID_ARGUMENT', 'INVALID_IMAGE', 'UNSUPPORTED_IMAGE']);
  }
});

test('arrays that say what they are not', async () => {
  class Liar extends Uint8Array {
    override get byteLength(): number {
      return 2 ** 40;
    }
  }
  await refused(segmenter.segment(Liar.from(file)), 'a longer one');
  await refused(
    segmenter.segment({ data: { length: 12, [Symbol.toStringTag]: 'Uint8Array' }, width: 2, height: 2 } as never),
    'a tag',
  );
  await refused(segmenter.segment({ [Symbol.toStringTag]: 'Blob', size: 5 } as never), 'a tag');
  await refused(segmenter.segment({ [Symbol.toStringTag]: 'URL', href: 5 } as never), 'a tag');
  const { argmax } = await segmenter.segment(file);
  class Mine extends Uint8Array {}
  assert.deepEqual((await segmenter.segment(Mine.from(file))).argmax, argmax);
});

test('streams and blobs that fail, or give what is no bytes', async () => {
  const failing = new Readable({
    read() {
      this.destroy(new RangeError('unplugged'));
    },
  });
  await rejectsWith(segmenter.segment(failing as never), 'IO_ERROR', 'unplugged');
  const text = Readable.from(['some', 'text']);
  await rejectsWith(segmenter.segment(text as never), 'INVALID_ARGUMENT', "'some'", 'setEncoding');
  const locked = new Blob([file]).stream() as ReadableStream<Uint8Array>;
  locked.getReader();
  await rejectsWith(segmenter.segment(locked), 'INVALID_ARGUMENT', 'locked');
  const destroyed = new Readable({ read: () => undefined });
  destroyed.destroy();
  await rejectsWith(segmenter.segment(destroyed as never), 'IO_ERROR');
  const blob = { size: 5, arrayBuffer: () => Promise.reject(new Error('gone')) };
  await rejectsWith(segmenter.segment(blob as never), 'IO_ERROR', 'gone');
  await rejectsWith(segmenter.segment({ size: 2 ** 40, arrayBuffer: () => assert.fail() } as never), 'LIMIT_EXCEEDED');
  await refused(segmenter.segment({ size: 5, arrayBuffer: () => 'text' } as never), 'a blob of text');
  await refused(segmenter.segment({ getReader: () => 5 } as never), 'no reader', ['IO_ERROR']);
});

test('responses', async () => {
  const { argmax } = await segmenter.segment(chelsea);
  const server = await serveFile(chelsea);
  try {
    assert.deepEqual((await segmenter.segment(await fetch(server.origin))).argmax, argmax);
    const used = await fetch(server.origin);
    await used.arrayBuffer();
    await rejectsWith(segmenter.segment(used), 'INVALID_ARGUMENT', server.origin, 'read before');
  } finally {
    await server.close();
  }
  await rejectsWith(segmenter.segment(new Response('none', { status: 404 })), 'DOWNLOAD_FAILED', '404');
  await rejectsWith(segmenter.segment(new Response(null)), 'INVALID_IMAGE');
  // As node-fetch's is: its body is a stream of Node's.
  const like = {
    ok: true,
    status: 200,
    bodyUsed: false,
    body: Readable.from([file]),
    arrayBuffer: () => assert.fail(),
  };
  assert.deepEqual((await segmenter.segment(like as never)).argmax, argmax);
  using loaded = await Segmenter.load(new Response(readFileSync(tinyFile)));
  using again = await Segmenter.load({ modelSource: new Blob([readFileSync(tinyFile)]), labels: [] });
  for (const one of [loaded, again]) assert.deepEqual((await one.segment(chelsea)).argmax, argmax);
});

test('blob: and file: URLs', async () => {
  const { argmax } = await segmenter.segment(chelsea);
  const url = URL.createObjectURL(new Blob([file]));
  assert.deepEqual((await segmenter.segment(url)).argmax, argmax);
  assert.deepEqual((await segmenter.segment(new URL(url))).argmax, argmax);
  URL.revokeObjectURL(url);
  await rejectsWith(segmenter.segment(url), 'INVALID_ARGUMENT', url, 'revoked');
  const model = URL.createObjectURL(new Blob([readFileSync(tinyFile)]));
  (await Segmenter.load(model)).close();
  URL.revokeObjectURL(model);
  await rejectsWith(Segmenter.load(model), 'INVALID_ARGUMENT', model);

  for (const end of ['?v=3', '#t', '?a=1#b?c', '?']) {
    const { href } = pathToFileURL(chelsea);
    assert.deepEqual((await segmenter.segment(href + end)).argmax, argmax, end);
    assert.deepEqual((await segmenter.segment(new URL(href + end))).argmax, argmax, end);
    (await Segmenter.load(pathToFileURL(tinyFile).href + end)).close();
    (await Segmenter.load(registerAsset(new URL(pathToFileURL(tinyFile).href + end)))).close();
  }
});

test('a segmenter that nobody loaded', () => {
  for (const wrong of [[], [tinyFile], [{ description: {} }, 2]]) {
    assert.throws(
      () => Reflect.construct(Segmenter, wrong) as unknown,
      (error: unknown) => error instanceof SegmentationError && error.message.includes('Segmenter.load'),
    );
  }
});

test('one signal for many calls', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): number => warnings.push(warning);
  process.on('warning', hear);
  try {
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 40 }, () => segmenter.segment(file, { signal })));
    const controller = new AbortController();
    const calls = Array.from({ length: 40 }, () => segmenter.segment(file, { signal: controller.signal }));
    const settled = Promise.allSettled(calls);
    // All of them listen by now, and none can have ended.
    controller.abort();
    assert.ok((await settled).every(({ status }) => status === 'rejected'));
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(warnings, []);
  } finally {
    process.off('warning', hear);
  }
  await segmenter.segment(file);
});

test('signals that throw', async () => {
  const signal = Object.assign(new EventEmitter(), {
    aborted: true,
    addEventListener: () => 0,
    removeEventListener: () => 0,
  });
  Object.defineProperty(signal, 'reason', { get: () => assert.fail('no reason') });
  await assert.rejects(segmenter.segment(file, { signal: signal as never }), /aborted/);
  const deaf = { aborted: false, addEventListener: () => assert.fail('deaf'), removeEventListener: () => 0 };
  await refused(segmenter.segment(file, { signal: deaf as never }), 'deaf');
  await segmenter.segment(file);
});
