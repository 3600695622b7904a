import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import {
  DEEPLAB_V3_MOBILENET_V2_EMBEDDED,
  DEEPLAB_V3_RESNET50,
  DeeplabLabel,
  ImageSegmentationModule,
  registerAsset,
  registeredModels,
  type ResourceSource,
} from 'silhouette-seg';

import {
  chelsea,
  embeddedFile,
  rejectsWith,
  scratchFolder,
  serve,
  serveFile,
  synthesize,
  tinyFile,
} from './support.js';

afterEach(() => {
  ImageSegmentationModule.unload();
});

function assertLegacyShape(out: Partial<Record<DeeplabLabel, number[]>>, pixels: number): void {
  assert.deepEqual(Object.keys(out).sort(), [String(DeeplabLabel.ARGMAX), String(DeeplabLabel.CAT)].sort());
  for (const map of Object.values(out)) {
    assert.ok(Array.isArray(map));
    assert.equal(map.length, pixels);
    assert.ok(map.every((value) => typeof value === 'number'));
  }
}

/** Width and height of a PNG. */
function pngSize(path: string): [number, number] {
  const header = readFileSync(path);
  return [header.readUInt32BE(16), header.readUInt32BE(20)];
}

test('the documented program, on the embedded model', async () => {
  const fractions: number[] = [];
  ImageSegmentationModule.onDownloadProgress((fraction) => {
    fractions.push(fraction);
  });
  const source: ResourceSource = DEEPLAB_V3_MOBILENET_V2_EMBEDDED;
  await ImageSegmentationModule.load(source);
  assert.equal(fractions.at(-1), 1);

  const [width, height] = pngSize(chelsea);
  const out = await ImageSegmentationModule.forward(chelsea, [DeeplabLabel.CAT], true);
  assertLegacyShape(out, width * height);
  const cat = out[DeeplabLabel.ARGMAX].filter((label) => label === DeeplabLabel.CAT).length / (width * height);
  assert.ok(cat > 0.4, `a cat fills the photo, of the class map it is ${String(cat)}`);
  assert.ok(out[DeeplabLabel.CAT].every((p) => p >= 0 && p <= 1));

  const small = await ImageSegmentationModule.forward(chelsea, [DeeplabLabel.CAT, DeeplabLabel.ARGMAX]);
  assertLegacyShape(small, 513 * 513);
  const alone = await ImageSegmentationModule.forward(chelsea);
  assert.deepEqual(Object.keys(alone), [String(DeeplabLabel.ARGMAX)]);
  assert.deepEqual(alone[DeeplabLabel.ARGMAX], small[DeeplabLabel.ARGMAX]);
});

test('the documented program, on DEEPLAB_V3_RESNET50 from its registry path', async () => {
  const model = synthesize('deeplabv3_resnet50_224', scratchFolder());
  const path = new URL(registeredModels().find((entry) => entry.name === DEEPLAB_V3_RESNET50)?.url ?? '').pathname;
  const bytes = readFileSync(model);
  const photo = readFileSync(chelsea);
  const server = await serve((request, response) => {
    const body = request.url === path ? bytes : request.url === '/chelsea.png' ? photo : undefined;
    response.writeHead(body ? 200 : 404, { 'Content-Length': body?.length ?? 0 });
    response.end(body);
  });
  process.env['SILHOUETTE_MODEL_HOST'] = server.origin;
  try {
    const fractions: number[] = [];
    ImageSegmentationModule.onDownloadProgress((fraction) => {
      fractions.push(fraction);
    });
    await ImageSegmentationModule.load(DEEPLAB_V3_RESNET50);
    assert.ok(fractions.length > 2, 'progress is seen while it downloads');
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
    assert.equal(fractions.at(-1), 1);
    assert.ok(fractions.every((fraction) => fraction >= 0 && fraction <= 1));

    const classes = [DeeplabLabel.CAT] as const;
    const results = [];
    for (const input of [
      chelsea,
      pathToFileURL(chelsea).href,
      `${server.origin}/chelsea.png`,
      photo.toString('base64'),
      `data:image/png;base64,${photo.toString('base64')}`,
    ]) {
      results.push(await ImageSegmentationModule.forward(input, classes));
    }
    assertLegacyShape(results[0] ?? {}, 224 * 224);
    for (const result of results) assert.deepEqual(result, results[0]);

    await server.close();
    ImageSegmentationModule.unload();
    const requests = server.requests.length;
    await ImageSegmentationModule.load(DEEPLAB_V3_RESNET50);
    assert.deepEqual(await ImageSegmentationModule.forward(chelsea, classes), results[0]);
    assert.equal(server.requests.length, requests, 'the second load is offline');
  } finally {
    delete process.env['SILHOUETTE_MODEL_HOST'];
    await server.close();
  }
});

test('DeeplabLabel is a numeric enum', () => {
  assert.equal(DeeplabLabel.BACKGROUND, 0);
  assert.equal(DeeplabLabel.CAT, 8);
  assert.equal(DeeplabLabel.DOG, 12);
  assert.equal(DeeplabLabel.PERSON, 15);
  assert.equal(DeeplabLabel.TVMONITOR, 20);
  assert.equal(DeeplabLabel.ARGMAX, 21);
  assert.equal(DeeplabLabel[8], 'CAT');
  assert.equal(Object.keys(DeeplabLabel).length, 44);
});

test('forward before load and after unload', async () => {
  await rejectsWith(ImageSegmentationModule.forward(chelsea), 'MODEL_NOT_LOADED', 'load');
  await ImageSegmentationModule.load(tinyFile);
  await ImageSegmentationModule.forward(chelsea);
  ImageSegmentationModule.unload();
  await rejectsWith(ImageSegmentationModule.forward(chelsea), 'MODEL_NOT_LOADED');
});

test('every kind of ResourceSource', async () => {
  const bytes = readFileSync(tinyFile);
  const sources: ResourceSource[] = [
    tinyFile,
    pathToFileURL(tinyFile).href,
    pathToFileURL(tinyFile),
    registerAsset(tinyFile),
    registerAsset(pathToFileURL(tinyFile)),
    bytes,
    new Uint8Array(bytes),
    new Uint8Array(bytes).buffer,
    { modelSource: tinyFile },
    { modelSource: registerAsset(tinyFile), mean: [0, 0, 0], std: [1, 1, 1] },
  ];
  const results = [];
  for (const source of sources) {
    await ImageSegmentationModule.load(source);
    results.push(await ImageSegmentationModule.forward(chelsea));
  }
  for (const result of results) assert.deepEqual(result, results[0]);
  assert.equal(registerAsset(tinyFile), registerAsset(tinyFile));
});

test('sources that are none', async () => {
  await rejectsWith(ImageSegmentationModule.load(12345), 'INVALID_ARGUMENT', '12345', 'registerAsset');
  await rejectsWith(ImageSegmentationModule.load({}), 'INVALID_ARGUMENT', 'an object');
  await rejectsWith(ImageSegmentationModule.load(null as unknown as object), 'INVALID_ARGUMENT', 'null');
  await rejectsWith(ImageSegmentationModule.load('NO_SUCH_MODEL'), 'INVALID_ARGUMENT', 'NO_SUCH_MODEL');
  await rejectsWith(ImageSegmentationModule.load({ modelSource: tinyFile, mean: [1] }), 'INVALID_ARGUMENT', 'mean');
  await rejectsWith(
    ImageSegmentationModule.load({ modelSource: tinyFile, sha256: 'ab' }),
    'INVALID_ARGUMENT',
    'sha256',
  );
  await rejectsWith(ImageSegmentationModule.load(Buffer.from('no model')), 'INVALID_MODEL');
  assert.throws(() => registerAsset(''), { code: 'INVALID_ARGUMENT' });
});

test('a load that fails leaves the model before in use; one that succeeds replaces it', async () => {
  await ImageSegmentationModule.load(tinyFile);
  const before = await ImageSegmentationModule.forward(chelsea);
  await rejectsWith(ImageSegmentationModule.load('/no/such.pte'), 'FILE_NOT_FOUND', '/no/such.pte');
  assert.deepEqual(await ImageSegmentationModule.forward(chelsea), before);
  await ImageSegmentationModule.load(embeddedFile);
  assert.equal((await ImageSegmentationModule.forward(chelsea))[DeeplabLabel.ARGMAX].length, 513 * 513);
});

test('calls that wait while the model is replaced run on the new one', async () => {
  await ImageSegmentationModule.load(embeddedFile);
  const calls = Array.from({ length: 6 }, () => ImageSegmentationModule.forward(chelsea));
  await ImageSegmentationModule.load(tinyFile);
  const lengths = (await Promise.all(calls)).map((out) => out[DeeplabLabel.ARGMAX].length);
  const small = (await ImageSegmentationModule.forward(chelsea))[DeeplabLabel.ARGMAX].length;
  assert.ok(lengths.every((length) => length === small || length === 513 * 513));
  assert.ok(lengths.includes(small), 'loading the small model took less time than six calls of the other');

  const late = Array.from({ length: 6 }, () => ImageSegmentationModule.forward(chelsea));
  ImageSegmentationModule.unload();
  for (const outcome of await Promise.allSettled(late)) {
    if (outcome.status === 'rejected') await rejectsWith(Promise.reject(outcome.reason as Error), 'MODEL_NOT_LOADED');
  }
});

test('loads of one source at a time share one download', async () => {
  const server = await serveFile(tinyFile);
  try {
    const url = `${server.origin}/shared.pte`;
    await Promise.all([1, 2, 3, 4].map(() => ImageSegmentationModule.load(url)));
    assert.deepEqual(server.requests, ['GET /shared.pte']);
  } finally {
    await server.close();
  }
});

test('of several loads the last one asked for stays, whichever is faster', async () => {
  const bytes = readFileSync(embeddedFile);
  let arrived: (response: ServerResponse) => void = () => undefined;
  const request = new Promise<ServerResponse>((resolve) => {
    arrived = resolve;
  });
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, 1000));
    arrived(response);
  });
  try {
    const slow = ImageSegmentationModule.load(`${server.origin}/slow.pte`);
    await ImageSegmentationModule.load(tinyFile);
    const tiny = await ImageSegmentationModule.forward(chelsea);
    (await request).end(bytes.subarray(1000));
    await slow;
    assert.deepEqual(await ImageSegmentationModule.forward(chelsea), tiny);
  } finally {
    await server.close();
  }
});

test('classes of interest that are none', async () => {
  await ImageSegmentationModule.load(DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  await rejectsWith(ImageSegmentationModule.forward(chelsea, [99 as DeeplabLabel]), 'INVALID_ARGUMENT', '99');
  await rejectsWith(ImageSegmentationModule.forward(chelsea, 'CAT' as never), 'INVALID_ARGUMENT', 'CAT');
});

test('methods work without their class', async () => {
  const { load, forward } = ImageSegmentationModule;
  await load(tinyFile);
  await forward(chelsea);
});
