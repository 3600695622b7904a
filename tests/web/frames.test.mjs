// Video: a webcam's frames to masks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { makeCameraFile } from './support/camera.mjs';
import { openPage, serveHarness } from './support/harness.mjs';
import { screenshot } from './support/screenshot.mjs';

let browser;
let server;
let harness;
before(async () => {
  [browser, server] = await Promise.all([launchChromium({ camera: makeCameraFile() }), serveHarness()]);
  harness = await openPage(browser, server);
  await harness.page.evaluate(async () => {
    window.segmenter = await window.silhouette.Segmenter.load(window.silhouette.SELFIE_SEGMENTATION_EMBEDDED);
    window.openCamera = async () => {
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      document.body.append(video);
      await video.play();
      await new Promise((resolve) => {
        video.requestVideoFrameCallback(resolve);
      });
      return video;
    };
    /** The photo of a person as a frame, `moved` pixels to the right. */
    window.personFrame = async (moved = 0) => {
      const canvas = new OffscreenCanvas(640, 480);
      canvas.getContext('2d').drawImage(await window.elementOf('/samples/astronaut.png'), 64 + moved, 0);
      return canvas;
    };
  });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test('a webcam’s frames', async () => {
  const { page, failures } = harness;
  const found = await page.evaluate(async () => {
    const video = await window.openCamera();
    const results = [];
    for (let i = 0; i < 20; ++i) {
      await new Promise((resolve) => {
        video.requestVideoFrameCallback(resolve);
      });
      const result = await window.segmenter.segmentFrame(video);
      const { width, height, frameWidth, frameHeight, alpha } = result;
      const share = alpha.reduce((sum, value) => sum + value, 0) / 255 / alpha.length;
      results.push({ width, height, frameWidth, frameHeight, length: alpha.length, share });
    }
    // For people to look at.
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 480 });
    document.body.append(canvas);
    const result = await window.segmenter.segmentFrame(video);
    window.silhouette.drawFrame(canvas.getContext('2d'), video, result, { background: '#20a060' });
    video.srcObject.getTracks().forEach((track) => track.stop());
    return results;
  });
  for (const { share, ...sizes } of found) {
    assert.deepEqual(sizes, { width: 256, height: 256, frameWidth: 640, frameHeight: 480, length: 256 * 256 });
    assert.ok(share > 0.2 && share < 0.8, `a person takes ${share} of the frame`);
  }
  await screenshot(page, 'frames');
  assert.deepEqual(failures(), []);
});

test('frames that come while one is under way are dropped', async () => {
  const outcome = await harness.page.evaluate(async () => {
    const frame = await window.personFrame();
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => window.segmenter.segmentFrame(frame)));
    const next = await window.segmenter.segmentFrame(frame);
    return [first, second, third, next].map((result) => result !== undefined);
  });
  assert.deepEqual(outcome, [true, false, false, true]);
});

test('the mask is that of segment, at the model’s size or the frame’s', async () => {
  const found = await harness.page.evaluate(async () => {
    const frame = await window.personFrame();
    const { argmax, probabilities } = await window.segmenter.segment(frame, { classes: [1] });
    const small = await window.segmenter.segmentFrame(frame);
    const alpha = small.alpha.slice();
    const large = await window.segmenter.segmentFrame(frame, { size: 'frame' });
    const bitmap = await window.segmenter.segmentFrame(frame, { output: 'bitmap' });
    return {
      argmax,
      probability: probabilities.get(1),
      alpha: new Uint8Array(alpha),
      large: [large.width, large.height, large.alpha.length],
      bitmap: [bitmap.bitmap.width, bitmap.bitmap.height],
    };
  });
  assert.deepEqual(found.large, [640, 480, 640 * 480]);
  assert.deepEqual(found.bitmap, [256, 256]);
  let apart = 0;
  found.alpha.forEach((value, i) => {
    if (value > 127 !== (found.argmax[i] === 1)) apart += 1;
  });
  assert.ok(apart / found.alpha.length < 0.02, `${apart} pixels differ`);
});

test('a result lasts until the call after the next', async () => {
  const found = await harness.page.evaluate(async () => {
    const frame = await window.personFrame();
    const next = (output) => window.segmenter.segmentFrame(frame, { output });
    const results = [await next('bitmap'), await next('bitmap')];
    const sentAway = structuredClone(results[1].bitmap, { transfer: [results[1].bitmap] });
    const lasting = results.map(({ alpha, bitmap }) => [alpha.length, bitmap.width]);
    const third = await next('alpha');
    const fourth = await next('bitmap');
    const [first, second] = results.map(({ alpha, bitmap }) => [alpha.length, bitmap.width]);
    return { lasting, first, second, third: third.alpha.length, fourth: fourth.bitmap.width, sentAway: sentAway.width };
  });
  assert.deepEqual(found, {
    lasting: [
      [65536, 256],
      [65536, 0],
    ],
    first: [0, 0],
    second: [0, 0],
    third: 65536,
    fourth: 256,
    sentAway: 256,
  });
});

test('drawFrame: what is behind, mirrored, on opaque canvases, without a halo', async () => {
  const found = await harness.page.evaluate(() => {
    // The subject is red and on the left, what is behind it blue.
    const frame = new OffscreenCanvas(640, 480);
    const drawing = frame.getContext('2d');
    drawing.fillStyle = '#00f';
    drawing.fillRect(0, 0, 640, 480);
    drawing.fillStyle = '#f00';
    drawing.fillRect(0, 0, 320, 480);
    const alpha = Uint8ClampedArray.from({ length: 64 * 48 }, (_, i) => (i % 64 < 32 ? 255 : 0));
    const result = { width: 64, height: 48, frameWidth: 640, frameHeight: 480, alpha };
    const image = new OffscreenCanvas(10, 10);
    image.getContext('2d').fillRect(0, 0, 10, 10);
    const draw = (options, settings) => {
      const context = new OffscreenCanvas(320, 240).getContext('2d', settings);
      context.fillStyle = '#ff0';
      context.fillRect(0, 0, 320, 240);
      window.silhouette.drawFrame(context, frame, result, options);
      const pixel = (x) => [...context.getImageData(x, 120, 1, 1).data].join();
      return [pixel(80), pixel(240)];
    };
    const near = (options) => {
      const context = new OffscreenCanvas(320, 240).getContext('2d');
      window.silhouette.drawFrame(context, frame, result, options);
      const { data } = context.getImageData(170, 0, 150, 240);
      return data.reduce((most, value, i) => (i % 4 === 0 ? Math.max(most, value) : most), 0);
    };
    return {
      transparent: draw({}),
      opaque: draw({}, { alpha: false }),
      colour: draw({ background: '#123456' }),
      mirrored: draw({ background: '#123456', mirror: true }),
      image: draw({ background: { image } }),
      blur: draw({ background: 'blur' }),
      halo: near({ background: { blur: 0.1 } }),
    };
  });
  const { halo, ...pictures } = found;
  assert.deepEqual(pictures, {
    transparent: ['255,0,0,255', '0,0,0,0'],
    opaque: ['255,0,0,255', '0,0,0,255'],
    colour: ['255,0,0,255', '18,52,86,255'],
    mirrored: ['18,52,86,255', '255,0,0,255'],
    image: ['255,0,0,255', '0,0,0,255'],
    blur: ['255,0,0,255', '0,0,255,255'],
  });
  assert.ok(halo <= 2, `red of up to ${halo} beside the subject`);
});

test('smoothing: a change arrives little by little', async () => {
  const shares = await harness.page.evaluate(async () => {
    const empty = new OffscreenCanvas(640, 480);
    empty.getContext('2d').fillRect(0, 0, 640, 480);
    const person = await window.personFrame();
    const share = async (frame, options) => {
      const { alpha } = await window.segmenter.segmentFrame(frame, options);
      return alpha.reduce((sum, value) => sum + value, 0) / 255 / alpha.length;
    };
    const still = await share(person);
    const nobody = await share(empty);
    const smoothed = [];
    // A new model of its own: what was before doesn't count.
    for (const frame of [empty, person, person, person]) smoothed.push(await share(frame, { smoothing: 0.8 }));
    return { still, nobody, smoothed };
  });
  const [, first, second, third] = shares.smoothed;
  assert.ok(shares.nobody < shares.still / 2, JSON.stringify(shares));
  assert.ok(first < second && second < third && third <= shares.still + 0.01, JSON.stringify(shares));
});

test('frames stay the caller’s, and bad ones are refused', async () => {
  const found = await harness.page.evaluate(async () => {
    const canvas = await window.personFrame();
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const bitmap = await createImageBitmap(canvas);
    const results = [];
    for (const input of [frame, frame, bitmap, bitmap, canvas]) {
      results.push((await window.outcome(window.segmenter.segmentFrame(input))).error?.message);
    }
    const usable = [frame.format !== null, bitmap.width > 0];
    frame.close();
    bitmap.close();
    const bad = [frame, bitmap, 'text', null, 5, new OffscreenCanvas(0, 0), document.createElement('video')];
    const refused = [];
    for (const input of bad) refused.push((await window.outcome(window.segmenter.segmentFrame(input))).error);
    for (const options of [{ size: 'huge' }, { smoothing: 2 }, { subject: ['UNICORN'] }, { output: 5 }]) {
      refused.push((await window.outcome(window.segmenter.segmentFrame(canvas, options))).error);
    }
    const { error } = await window.outcome(window.segmenter.segmentFrame(canvas));
    return { results, usable, refused, after: error?.message };
  });
  assert.deepEqual(found.results, Array(5).fill(undefined));
  assert.deepEqual(found.usable, [true, true]);
  for (const [i, error] of found.refused.entries()) {
    assert.ok(error?.isOurs, `${i}: ${error?.message}`);
    assert.ok(['INVALID_ARGUMENT', 'INVALID_IMAGE'].includes(error.code), `${i}: ${error.code}: ${error.message}`);
  }
  assert.equal(found.after, undefined);
});
