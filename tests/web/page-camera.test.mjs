// The page with a camera, which shows a film of a person.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { makeCameraFile } from './support/camera.mjs';
import { looked, openDemo, servePage, stumbles } from './support/page.mjs';
import { screenshot } from './support/screenshot.mjs';

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launchChromium({ camera: makeCameraFile() }), servePage()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The camera's picture at a place of its canvas. */
function pixel(tab, x, y) {
  return tab.evaluate(
    ([left, top]) => {
      const canvas = document.querySelector('.frame-camera canvas');
      return [...canvas.getContext('2d').getImageData(left * canvas.width, top * canvas.height, 1, 1).data];
    },
    [x, y],
  );
}

test('the camera: backgrounds, frames a second, a photo of it', async () => {
  const { tab, context, failures } = await openDemo(browser, server);
  await tab.getByRole('button', { name: 'Use the camera' }).click();
  await tab.waitForFunction(() => Number(document.querySelector('.rates dd')?.textContent) > 0);
  assert.deepEqual(await stumbles(tab), []);
  await screenshot(tab, 'page-camera');

  await tab.getByRole('radio', { name: 'Colour', exact: true }).check();
  await tab.getByRole('button', { name: 'Green', exact: true }).click();
  // Above the shoulder there is a wall; the middle is the person.
  const isGreen = ([r, g, b]) => g > r + 40 && g > b + 20;
  await tab.waitForFunction(() => {
    const canvas = document.querySelector('.frame-camera canvas');
    const [r, g, b] = canvas.getContext('2d').getImageData(canvas.width * 0.3, canvas.height * 0.1, 1, 1).data;
    return g > r + 40 && g > b + 20;
  });
  assert.ok(!isGreen(await pixel(tab, 0.5, 0.7)), 'the person stays');
  await screenshot(tab, 'page-camera-green');

  await tab.getByRole('button', { name: 'Take a photo' }).click();
  await looked(tab);
  await tab.getByRole('heading', { name: /Person/ }).waitFor();
  assert.deepEqual(failures(), []);
  await context.close();
});

test('no camera, or none allowed: words for people', async () => {
  for (const [name, words] of [
    ['NotAllowedError', /camera is blocked/],
    ['NotFoundError', /No camera was found/],
    ['NotReadableError', /in use elsewhere/],
  ]) {
    const { tab, context } = await openDemo(browser, server);
    await tab.evaluate((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', error));
    }, name);
    await tab.getByRole('button', { name: 'Use the camera' }).click();
    await tab.getByRole('alert').getByText(words).waitFor();
    assert.deepEqual(await stumbles(tab), []);
    await context.close();
  }
});
