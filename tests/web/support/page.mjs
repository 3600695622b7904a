// The page of web/, built, in a browser.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { watch } from './browsers.mjs';
import { ROOT } from './paths.mjs';
import { startServer } from './server.mjs';

const DIST = join(ROOT, 'web', 'dist');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Served as `./dev demo` serves it: isolated, under its own policy. */
export async function servePage() {
  if (!existsSync(join(DIST, 'index.html'))) throw new Error(`${DIST} is missing; run ./dev demo build`);
  const { HEADERS } = await import('../../../web/scripts/security.mjs');
  return startServer({ mounts: [['/', DIST]], policy: HEADERS['Content-Security-Policy'] });
}

/** Opens the page as somebody who was never here. `settings` are those of a browser's context. */
export async function openDemo(browser, server, { settings, ready = true } = {}) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...settings });
  const tab = await context.newPage();
  const failures = watch(tab, [server.origin]);
  await tab.goto(`${server.origin}/`);
  if (ready) await modelReady(tab);
  return { tab, context, failures };
}

/** Waits until a model is there: while it comes, its button tells how much of it. */
export async function modelReady(tab) {
  await tab.getByRole('button', { name: /^Model(?!.*(%|None))/ }).waitFor();
}

/** Waits until a photo was looked at. */
export async function looked(tab) {
  await tab.getByRole('slider', { name: 'Before and after' }).waitFor();
  await tab.getByText('Looking…').waitFor({ state: 'detached' });
}

export async function openSample(tab, name) {
  await tab.getByRole('button', { name, exact: true }).click();
  await looked(tab);
}

/** What somebody who uses assistive technology would stumble over, by axe; a list of texts. */
export async function stumbles(tab) {
  await tab.evaluate(AXE);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(' ')}`));
}

/** Drops files on the page, or pastes them. Each is { name, type, bytes }. */
export async function bring(tab, how, files) {
  const transfer = await tab.evaluateHandle(
    (list) => {
      const data = new DataTransfer();
      for (const { name, type, bytes } of list) data.items.add(new File([bytes], name, { type }));
      return data;
    },
    files.map(({ name, type, bytes }) => ({ name, type, bytes: new Uint8Array(bytes) })),
  );
  if (how === 'drop') {
    for (const type of ['dragenter', 'dragover', 'drop'])
      await tab.dispatchEvent('main', type, { dataTransfer: transfer });
  } else {
    await tab.evaluate((data) => {
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }, transfer);
  }
}
