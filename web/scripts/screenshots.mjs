/**
 * Takes the pictures of the page that the documentation shows: `node scripts/screenshots.mjs [--url URL] [--into DIR]`. Without a
 * URL, the built page is served. Needs Debian's chromium and fonts-inter.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { BROWSER } from './browser.mjs';
import { writeFilm } from './film.mjs';

const { values } = parseArgs({
  options: { url: { type: 'string' }, into: { type: 'string' }, only: { type: 'string', multiple: true } },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const into = values.into ?? here('../../docs/web');

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const seen = (tab) => tab.getByRole('slider', { name: 'Before and after' }).waitFor();
const sample = async (tab, name) => {
  await tab.getByRole('button', { name, exact: true }).click();
  await seen(tab);
  // Away from whatever is there now, which would show that it is pointed at.
  await tab.mouse.move(1, 1);
};
const split = (tab, value) => tab.getByRole('slider', { name: 'Before and after' }).fill(String(value));

/** Of each picture, the way to it from the page's start. */
const PICTURES = [
  { name: 'start', go: async () => {} },
  {
    name: 'light',
    go: async (tab) => {
      await sample(tab, 'Cat');
      await split(tab, 30);
      await tab.locator('.probe').hover({ position: { x: 560, y: 260 } });
    },
  },
  {
    name: 'dark',
    scheme: 'dark',
    go: async (tab) => {
      await sample(tab, 'Bird');
      await split(tab, 0);
    },
  },
  {
    name: 'cutout',
    go: async (tab) => {
      await sample(tab, 'Astronaut');
      await tab.getByRole('radio', { name: 'Cut-out' }).check();
      await tab.getByRole('radio', { name: 'Picture' }).check();
      await tab.locator('.drawn').waitFor();
      await tab.getByText('Cutting out…').waitFor({ state: 'detached' });
      await split(tab, 0);
    },
  },
  { name: 'phone-start', size: PHONE, go: async () => {} },
  {
    name: 'phone',
    size: PHONE,
    scheme: 'dark',
    full: true,
    go: async (tab) => {
      await sample(tab, 'Astronaut');
      await split(tab, 40);
    },
  },
  {
    name: 'error',
    go: async (tab) => {
      const photo = { name: 'holiday.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a photo at all') };
      await tab.locator('input[type=file]').first().setInputFiles(photo);
      await tab.getByRole('alert').waitFor();
      await tab.getByText('Details').click();
    },
  },
  {
    name: 'models',
    go: async (tab) => {
      await tab.getByRole('button', { name: /^Model/ }).click();
      await tab.getByText('In use').waitFor();
    },
  },
  {
    name: 'camera',
    go: async (tab) => {
      await tab.getByRole('button', { name: 'Use the camera' }).click();
      await tab.getByText(/^\d+ ms$/).waitFor();
      // Figures of a second that is not the first.
      await tab.evaluate(() => new Promise((resolve) => setTimeout(resolve, 3000)));
    },
  },
];

async function serve() {
  const server = spawn(process.execPath, [here('serve.mjs'), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: server.stdout })) return { url: line, end: () => server.kill() };
  throw new Error('the server said nothing; is the page built?');
}

async function take(browser, url, { name, go, size = DESKTOP, scheme = 'light', full = false }) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    deviceScaleFactor: size === PHONE ? 2 : 1,
    hasTouch: size === PHONE,
  });
  const tab = await context.newPage();
  await tab.goto(url);
  await tab.getByRole('button', { name: /^Model(?!.*fetched)/ }).waitFor();
  await go(tab);
  const png = await tab.screenshot({ fullPage: full });
  await writeFile(join(into, `${name}.webp`), await smaller(tab, png));
  await context.close();
}

/** The picture as WebP, a fifth of PNG's size; the browser can. */
async function smaller(tab, png) {
  const base64 = await tab.evaluate(async (text) => {
    const image = new Image();
    image.src = `data:image/png;base64,${text}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.86).split(',')[1];
  }, png.toString('base64'));
  return Buffer.from(base64, 'base64');
}

const scratch = await mkdtemp(join(tmpdir(), 'silhouette-'));
const server = values.url === undefined ? await serve() : { url: values.url, end: () => {} };
try {
  await mkdir(into, { recursive: true });
  const film = join(scratch, 'film.y4m');
  const first = await chromium.launch(BROWSER);
  await writeFilm(await first.newPage(), here('../../models/samples/astronaut.png'), film);
  await first.close();
  const browser = await chromium.launch({
    ...BROWSER,
    args: [...BROWSER.args, `--use-file-for-fake-video-capture=${film}`],
  });
  for (const picture of PICTURES) {
    if (values.only === undefined || values.only.includes(picture.name)) await take(browser, server.url, picture);
  }
  await browser.close();
} finally {
  server.end();
  await rm(scratch, { recursive: true });
}
