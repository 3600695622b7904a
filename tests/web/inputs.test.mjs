// Whatever an image comes in, it is the same image; and files are decoded as the native build decodes them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { withOrientation } from './support/exif.mjs';
import { agreement, largestError, native, openPage, serveHarness } from './support/harness.mjs';
import { IMAGES, SMALL_MODELS } from './support/paths.mjs';
import { decodePng } from './support/png.mjs';

const MODEL = '/models/tiny_plain.pte';

let browser;
let server;
let harness;
before(async () => {
  [browser, server] = await Promise.all([launchChromium(), serveHarness()]);
  harness = await openPage(browser, server);
  await harness.page.evaluate(async (model) => {
    window.segmenter = await window.silhouette.Segmenter.load(new URL(model, location.href).href);
  }, MODEL);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test('every kind of input gives the same result', async () => {
  const { page, failures } = harness;
  const results = await page.evaluate(async (url) => {
    const inputs = await window.makeInputs(url);
    const found = {};
    let first;
    for (const [kind, input] of Object.entries(inputs)) {
      // Nothing that is the caller's is taken away: every input works twice, but for those that are read once.
      const times = ['Response', 'ReadableStream'].includes(kind) ? 1 : 2;
      for (let i = 0; i < times; ++i) {
        const { value, error } = await window.outcome(window.segmented(window.segmenter, input, { resize: true }));
        first ??= value;
        const { width, height, argmax, info } = value ?? {};
        found[`${kind}, ${i + 1}`] = {
          error: error?.message,
          sizes: [width, height, info?.imageWidth, info?.imageHeight],
          classes: new Set(argmax).size,
          different: argmax?.filter((label, at) => label !== first.argmax[at]).length,
        };
      }
    }
    return found;
  }, '/samples/chelsea.png');
  assert.ok(results['ImageData, 1'].classes > 1, 'results of one class would be equal by chance');
  for (const [kind, { error, sizes, different }] of Object.entries(results)) {
    assert.equal(error, undefined, kind);
    assert.deepEqual(sizes, [451, 300, 451, 300], kind);
    assert.equal(different, 0, kind);
  }
  assert.deepEqual(failures(), []);
});

test('a video element', async () => {
  const { page } = harness;
  const { value, error } = await page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    const photo = await window.elementOf('/samples/chelsea.png');
    Object.assign(canvas, { width: photo.naturalWidth, height: photo.naturalHeight });
    const context = canvas.getContext('2d');
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = canvas.captureStream();
    context.drawImage(photo, 0, 0);
    const shown = new Promise((resolve) => {
      video.requestVideoFrameCallback(resolve);
    });
    await video.play();
    await shown;
    return window.outcome(window.segmented(window.segmenter, video, { resize: true }));
  });
  assert.equal(error, undefined);
  assert.deepEqual([value.width, value.height], [451, 300]);
  const reference = await page.evaluate(() =>
    window.segmented(window.segmenter, '/samples/chelsea.png', { resize: true }),
  );
  // Video has colours at half of the size.
  assert.ok(agreement(value.argmax, reference.argmax) > 0.95);
});

test('a picture of another site, which a page may show and not read', async () => {
  const other = await serveHarness({ sharing: 'cross-origin' });
  const { page, close } = await openPage(browser, server);
  const found = await page.evaluate(async (url) => {
    const segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
    const element = await window.elementOf(url);
    const canvas = new OffscreenCanvas(64, 64);
    canvas.getContext('2d').drawImage(element, 0, 0, 64, 64);
    const inputs = { element, canvas, bitmap: await createImageBitmap(element), address: url };
    const outcomes = {};
    for (const [name, input] of Object.entries(inputs)) {
      outcomes[name] = [(await window.outcome(segmenter.segment(input))).error];
      if (name !== 'address') outcomes[name].push((await window.outcome(segmenter.segmentFrame(input))).error);
    }
    const { error } = await window.outcome(segmenter.segment('/samples/astronaut.png').then(() => 1));
    segmenter.close();
    return { outcomes, after: error };
  }, `${other.origin}/samples/astronaut.png`);
  await close();
  await other.close();
  const { address, ...pictures } = found.outcomes;
  for (const [name, errors] of Object.entries(pictures)) {
    for (const error of errors) {
      assert.ok(error?.isOurs, `${name}: ${error?.message}`);
      assert.equal(error.code, 'INVALID_ARGUMENT', name);
      assert.match(error.message, /another site.*may not read.*crossorigin="anonymous".*CORS/, name);
    }
  }
  assert.equal(address[0].code, 'DOWNLOAD_FAILED');
  assert.match(address[0].message, /CORS/);
  assert.equal(found.after, undefined);
});

/** The photo as the library decoded it: a cut-out of which everything stays. */
async function decodedInPage(bytes) {
  return harness.page.evaluate(async (file) => {
    const decode = async () => {
      const result = await window.segmenter.segment(file, { resize: true });
      const { data, width, height } = await result.toCutoutImageData({ subject: result.labels.map((_, i) => i) });
      return { data: new Uint8Array(data.buffer), width, height };
    };
    return window.outcome(decode());
  }, bytes);
}

let nativeSegmenter;
async function decodedByNative(bytes) {
  nativeSegmenter ??= await native.Segmenter.load(join(SMALL_MODELS, 'tiny_plain.pte'));
  const result = await nativeSegmenter.segment(bytes, { resize: true });
  return decodePng(Buffer.from(await result.toCutoutPng({ subject: result.labels.map((_, i) => i) })));
}

async function decodesAlike(name, bytes, largest) {
  const { value, error } = await decodedInPage(new Uint8Array(bytes));
  assert.equal(error, undefined, name);
  const expected = await decodedByNative(bytes);
  assert.deepEqual([value.width, value.height], [expected.width, expected.height], name);
  const error255 = largestError(value.data, expected.data);
  assert.ok(error255 <= largest, `${name}: a value differs by ${error255}`);
}

test('files of every orientation are upright', async () => {
  const photo = readFileSync(join(IMAGES, 'photo.jpg'));
  for (let orientation = 1; orientation <= 8; ++orientation) {
    await decodesAlike(`JPEG, orientation ${orientation}`, withOrientation(photo, orientation), 1);
    const avif = `orientation_${orientation}.avif`;
    await decodesAlike(avif, readFileSync(join(IMAGES, avif)), 2);
  }
});

test('files with transparency, palettes and several frames', async () => {
  for (const [name, largest] of [
    ['palette_alpha.png', 0],
    ['a_rgba.avif', 2],
    ['a_premul.avif', 2],
    ['two_frames.gif', 0],
    ['two_frames.webp', 0],
    ['orientation_1.png', 0],
  ]) {
    await decodesAlike(name, readFileSync(join(IMAGES, name)), largest);
  }
});

test('what is no image, or none that browsers read, is refused with a reason', async () => {
  const { page } = harness;
  const png = readFileSync(join(IMAGES, 'orientation_1.png'));
  const bad = {
    'no bytes': [new Uint8Array(0), ['INVALID_IMAGE', 'INVALID_ARGUMENT']],
    text: [new TextEncoder().encode('<!doctype html><p>Not found</p>'), ['INVALID_IMAGE', 'UNSUPPORTED_IMAGE']],
    'half a PNG': [new Uint8Array(png.subarray(0, png.length >> 1)), ['INVALID_IMAGE']],
    'a PNG that promises too much': [
      new Uint8Array(readFileSync(join(IMAGES, 'huge_header.png'))),
      ['LIMIT_EXCEEDED', 'INVALID_IMAGE'],
    ],
    HEIC: [new Uint8Array(readFileSync(join(IMAGES, 'two_references.heic'))), ['UNSUPPORTED_IMAGE', 'INVALID_IMAGE']],
  };
  for (const [what, [bytes, codes]] of Object.entries(bad)) {
    const { error } = await page.evaluate((file) => window.outcome(window.segmenter.segment(file)), bytes);
    assert.ok(error?.isOurs, `${what}: ${error?.message}`);
    assert.ok(codes.includes(error.code), `${what}: ${error.code}: ${error.message}`);
  }
  const odd = await page.evaluate(async () => {
    const values = {
      undefined,
      number: 5,
      'empty object': {},
      'empty canvas': Object.assign(document.createElement('canvas'), { width: 0, height: 0 }),
      'image element without a source': new Image(),
      'video element without a source': document.createElement('video'),
      'pixels that are too few': { data: new Uint8Array(5), width: 2, height: 2 },
      'sides that are no numbers': { data: new Uint8Array(16), width: NaN, height: 2 },
      'more pixels than memory': { data: new Uint8Array(16), width: 2 ** 20, height: 2 ** 20 },
      div: document.createElement('div'),
      promise: Promise.resolve(),
    };
    const closed = await createImageBitmap(new ImageData(2, 2));
    closed.close();
    values['closed ImageBitmap'] = closed;
    const frame = new VideoFrame(new Uint8Array(16), { format: 'RGBA', codedWidth: 2, codedHeight: 2, timestamp: 0 });
    frame.close();
    values['closed VideoFrame'] = frame;
    const found = {};
    for (const [what, value] of Object.entries(values))
      found[what] = (await window.outcome(window.segmenter.segment(value))).error;
    return found;
  });
  for (const [what, error] of Object.entries(odd)) {
    assert.ok(error?.isOurs, `${what}: ${error?.message}`);
    assert.ok(
      ['INVALID_ARGUMENT', 'INVALID_IMAGE', 'LIMIT_EXCEEDED'].includes(error.code),
      `${what}: ${error.code}: ${error.message}`,
    );
    assert.ok(error.message.length > 10, what);
  }
  // And it still works.
  const { width } = await page.evaluate(() => window.segmented(window.segmenter, '/samples/chelsea.png', {}));
  assert.ok(width > 0);
});
