// The page: what its visitors do with photos.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { launchChromium } from './support/browsers.mjs';
import { bring, looked, modelReady, openDemo, openSample, servePage, stumbles } from './support/page.mjs';
import { SAMPLES, SMALL_MODELS } from './support/paths.mjs';
import { decodePng } from './support/png.mjs';
import { screenshot } from './support/screenshot.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 };

let browser;
let server;
let opened = [];
before(async () => {
  [browser, server] = await Promise.all([launchChromium(), servePage()]);
});
afterEach(async () => {
  for (const { context } of opened) await context.close();
  opened = [];
  server.faults.clear();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function open(options) {
  const found = await openDemo(browser, server, options);
  opened.push(found);
  return found;
}

const file = (name, type = 'image/png') => ({ name, type, bytes: readFileSync(join(SAMPLES, name)) });

test('a sample: what was found, under the pointer, by the keyboard', async () => {
  const { tab, failures } = await open();
  await openSample(tab, 'Cat');
  await tab.getByRole('heading', { name: 'Cat' }).waitFor();
  await tab.getByRole('switch', { name: 'Show Cat' }).waitFor();
  await tab.getByRole('slider', { name: 'Before and after' }).fill('0');

  const probe = tab.locator('.probe');
  // The slider's line stands at the left edge now, and has the pointer there.
  const { x, y, width, height } = await probe.boundingBox();
  const tip = tab.locator('.tip-card');
  await tab.mouse.move(x + width * 0.95, y + height * 0.1);
  await tip.getByText('Background').waitFor();
  await tab.mouse.move(x + width / 2, y + height / 2);
  await tip.getByText('Cat').waitFor();
  assert.match(await tip.textContent(), /^Cat\D*\d/);

  await tab.mouse.move(0, 0);
  await probe.focus();
  await tab.keyboard.press('ArrowRight');
  assert.match(await tip.textContent(), /^Cat/);
  await tab.keyboard.press('Escape');
  await tip.waitFor({ state: 'detached' });

  const opacity = tab.getByRole('slider', { name: 'Opacity of Cat' });
  const color = () =>
    tab.evaluate(() => {
      const canvas = document.querySelector('.after canvas');
      return [...canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data];
    });
  const [, , , before_] = await color();
  await opacity.fill('100');
  const [, , , opaque] = await color();
  assert.ok(opaque > before_, `${before_} and ${opaque}`);
  await tab.getByRole('switch', { name: 'Show Cat' }).uncheck();
  assert.equal((await color())[3], 0);
  await tab.getByText('Switch on a class above').waitFor();
  assert.deepEqual(failures(), []);
});

test('photos by the dialog, dropped and pasted, one after the other', async () => {
  const { tab, failures } = await open();
  await tab.locator('input[type=file]').first().setInputFiles(join(SAMPLES, 'chelsea.png'));
  await looked(tab);
  await tab.getByRole('heading', { name: 'Cat' }).waitFor();
  await bring(tab, 'drop', [file('bird.png')]);
  await tab.getByRole('heading', { name: /Bird/ }).waitFor();
  await bring(tab, 'paste', [file('astronaut.png')]);
  await tab.getByRole('heading', { name: /Person/ }).waitFor();
  await looked(tab);
  assert.deepEqual(failures(), []);
});

test('everything that can be saved', async () => {
  const { tab, failures } = await open();
  await openSample(tab, 'Cat');
  const save = async (title) => {
    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('button', { name: new RegExp(`^Save ${title}`) }).click(),
    ]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };
  const sizes = ({ width, height }) => [width, height];

  const mask = await save('Mask');
  assert.equal(mask.name, 'chelsea.mask.png');
  const classes = decodePng(mask.bytes);
  assert.deepEqual(sizes(classes), [451, 300]);
  assert.ok(classes.data.filter((value) => value === 8).length > 20_000);

  const cutout = decodePng((await save('Cut-out')).bytes);
  assert.deepEqual([...sizes(cutout), cutout.channels], [451, 300, 4]);
  const alpha = cutout.data.filter((_, i) => i % 4 === 3);
  assert.ok(alpha.includes(0) && alpha.includes(255));
  assert.deepEqual(sizes(decodePng((await save('Overlay')).bytes)), [451, 300]);

  const numbers = JSON.parse((await save('Numbers')).bytes);
  const cat = numbers.classes.find(({ label }) => label === 'CAT');
  assert.equal(cat.area, classes.data.filter((value) => value === 8).length);
  assert.deepEqual(cat.rle.size, [300, 451]);
  assert.equal(typeof cat.rle.counts, 'string');

  const shapes = JSON.parse((await save('Polygons')).bytes);
  assert.equal(shapes.type, 'FeatureCollection');
  const rings = shapes.features.flatMap(({ geometry }) => geometry.coordinates);
  assert.ok(rings.length > 0);
  for (const ring of rings) assert.deepEqual(ring[0], ring.at(-1));

  const coco = JSON.parse((await save('COCO')).bytes);
  assert.equal(coco.annotations.find(({ category_id }) => category_id === 8).area, cat.area);
  assert.deepEqual(failures(), []);
});

test('the cut-out and its backgrounds', async () => {
  const { tab, failures } = await open();
  await openSample(tab, 'Astronaut');
  await tab.getByRole('radio', { name: 'Cut-out' }).check();
  await tab.getByRole('slider', { name: 'Before and after' }).fill('0');
  const corner = async () => {
    await tab.locator('.drawn').waitFor();
    await tab.getByText('Cutting out…').waitFor({ state: 'detached' });
    return tab.evaluate(() => [...document.querySelector('.drawn').getContext('2d').getImageData(505, 5, 1, 1).data]);
  };
  assert.equal((await corner())[3], 0);
  const seen = new Set();
  for (const kind of ['Blur', 'Colour', 'Picture']) {
    await tab.getByRole('radio', { name: kind, exact: true }).check();
    const [r, g, b, a] = await corner();
    assert.equal(a, 255, kind);
    seen.add(`${r} ${g} ${b}`);
  }
  assert.equal(seen.size, 3, [...seen].join(', '));
  await screenshot(tab, 'page-cutout');
  assert.deepEqual(failures(), []);
});

test('what can’t be opened: words for people, and the page goes on', async () => {
  const { tab } = await open();
  const junk = (name, type, text) => ({ name, type, bytes: Buffer.from(text) });
  const alert = tab.getByRole('alert');
  for (const [files, words] of [
    [[junk('holiday.jpg', 'image/jpeg', 'no photo at all')], /isn’t a photo this browser can open/],
    [[junk('empty.png', 'image/png', '')], /isn’t a photo this browser can open/],
    [[junk('song.mp3', 'audio/mpeg', 'la la la')], /neither a photo nor a model/],
    [[junk('model.pte', '', 'no model at all')], /isn’t a model/],
    [
      [{ ...junk('cut.pte', '', ''), bytes: readFileSync(join(SMALL_MODELS, 'tiny_plain.pte')).subarray(0, 1500) }],
      /isn’t a model/,
    ],
  ]) {
    await bring(tab, 'drop', files);
    await alert.getByText(words).waitFor();
    assert.deepEqual(await stumbles(tab), []);
    await tab.getByRole('button', { name: 'Dismiss' }).click();
    await alert.waitFor({ state: 'detached' });
  }
  await bring(tab, 'drop', [junk('holiday.jpg', 'image/jpeg', 'no photo at all')]);
  await alert.waitFor();
  await screenshot(tab, 'page-error');
  await openSample(tab, 'Cat');
  await alert.waitFor({ state: 'detached' });
});

test('another model, and one of one’s own', async () => {
  const { tab, failures } = await open();
  await openSample(tab, 'Astronaut');
  await tab.getByRole('button', { name: /^Model/ }).click();
  await tab.getByRole('dialog').waitFor();
  assert.deepEqual(await stumbles(tab), []);
  await screenshot(tab, 'page-models');
  await tab.getByRole('button', { name: 'Use Portrait', exact: true }).click();
  await tab.getByRole('button', { name: 'Model Portrait', exact: true }).waitFor();
  await modelReady(tab);
  await looked(tab);

  await bring(tab, 'drop', [{ name: 'tiny.pte', type: '', bytes: readFileSync(join(SMALL_MODELS, 'tiny_plain.pte')) }]);
  await tab.getByRole('button', { name: /^Model\s*tiny/ }).waitFor();
  await looked(tab);
  assert.deepEqual(failures(), []);
});

test('a model that doesn’t come: cancelled, and tried again', async () => {
  // Which file it is, the first visit tells.
  const first = await open();
  const path = server.requests.map((request) => request.path).find((name) => /deeplab.*\.pte$/.test(name));
  await first.context.close();
  let release;
  server.faults.set(path, {
    holdAfter: 1_000_000,
    until: new Promise((resolve) => {
      release = resolve;
    }),
  });
  const { tab } = await open({ ready: false });
  await tab.getByRole('button', { name: /^Model.*1[12]%/ }).click();
  const bar = tab.getByRole('progressbar', { name: 'Fetching Everyday things' });
  assert.ok(Math.abs((await bar.evaluate(({ value }) => value)) - 1_000_000 / 8_432_724) < 0.01);
  await tab.getByRole('button', { name: 'Cancel Everyday things' }).click();
  const again = tab.getByRole('button', { name: /^(Use|Try again) Everyday things/ });
  await again.waitFor();
  server.faults.set(path, { status: 404 });
  await again.click();
  await tab
    .getByRole('alert', { includeHidden: true })
    .getByText(/could not be fetched/)
    .waitFor({ state: 'attached' });
  server.faults.clear();
  release();
  await again.click();
  await modelReady(tab);
});

test('without a network after the first visit', async () => {
  const own = await servePage();
  const { tab, context, failures } = await openDemo(browser, own);
  await tab.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const kept = async () => {
      const names = await caches.keys();
      const lists = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return lists.flat().map(({ url }) => url);
    };
    // It keeps models, engines and samples in its own time: all of them, since which engine runs here is not this test's business.
    const count = (urls, ending) => urls.filter((url) => url.endsWith(ending)).length;
    const whole = (urls) =>
      count(urls, '.wasm') === 4 && count(urls, '.pte') === 3 && /chelsea-[^ ]*png/.test(urls.join(' '));
    while (!whole(await kept())) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
  await own.close();
  await tab.reload();
  await modelReady(tab);
  assert.equal(await tab.evaluate(() => self.crossOriginIsolated), true);
  await openSample(tab, 'Cat');
  await tab.getByRole('heading', { name: 'Cat' }).waitFor();
  assert.deepEqual(failures(), []);
  await context.close();
});

for (const [what, settings] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { ...PHONE, colorScheme: 'dark' }],
]) {
  test(`nobody stumbles: ${what}`, async () => {
    const { tab, failures } = await open({ settings });
    assert.deepEqual(await stumbles(tab), []);
    await screenshot(tab, `page-${what}-start`);
    await openSample(tab, 'Cat');
    assert.deepEqual(await stumbles(tab), []);
    const [inner, whole] = await tab.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(whole <= inner, `${whole} pixels in a window of ${inner}`);
    await screenshot(tab, `page-${what}`);
    await tab.getByRole('button', { name: 'Light or dark' }).click();
    assert.deepEqual(await stumbles(tab), []);
    assert.deepEqual(failures(), []);
  });
}

test('by the keyboard alone', async () => {
  const { tab, failures } = await open();
  const focused = () =>
    tab.evaluate(() => {
      const element = document.activeElement;
      return element === document.body ? '' : (element.getAttribute('aria-label') ?? element.textContent).trim();
    });
  const tabTo = async (name) => {
    const passed = [];
    for (let i = 0; i < 60; ++i) {
      await tab.keyboard.press('Tab');
      const here = await focused();
      if (name.test(here)) {
        const outline = await tab.evaluate(() => {
          // Of an input that isn't seen itself, what stands for it shows the focus.
          const around = [document.activeElement, ...document.activeElement.parentElement.querySelectorAll('*')];
          return [...around, document.activeElement.parentElement].some((element) => {
            const { outlineStyle, boxShadow } = getComputedStyle(element);
            return outlineStyle !== 'none' || boxShadow !== 'none';
          });
        });
        assert.ok(outline, `${here}: the focus is seen`);
        return;
      }
      passed.push(here);
    }
    assert.fail(`${name} is not among ${passed.join(' | ')}`);
  };
  await tabTo(/^Cat$/);
  await tab.keyboard.press('Enter');
  await looked(tab);
  await tabTo(/^Before and after$/);
  const slider = tab.getByRole('slider', { name: 'Before and after' });
  const value = Number(await slider.inputValue());
  await tab.keyboard.press('ArrowRight');
  assert.ok(Number(await slider.inputValue()) > value);
  await tabTo(/^Show Cat$/);
  await tab.keyboard.press('Space');
  assert.equal(await tab.getByRole('switch', { name: 'Show Cat' }).isChecked(), false);
  await tab.keyboard.press('Space');
  await tabTo(/^Save Numbers/);
  const [download] = await Promise.all([tab.waitForEvent('download'), tab.keyboard.press('Enter')]);
  assert.match(download.suggestedFilename(), /\.json$/);
  assert.deepEqual(failures(), []);
});
