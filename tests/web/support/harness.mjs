// A page with the package in it, as tests use it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { watch } from './browsers.mjs';
import { IMAGES, MODELS, PACKAGE, PAGES, SAMPLES, SMALL_MODELS, WORK } from './paths.mjs';
import { startServer } from './server.mjs';

/** A server with all that pages ask for. */
export function serveHarness(options = {}) {
  const mounts = [
    ['/package/', PACKAGE],
    ['/samples/', SAMPLES],
    ['/images/', IMAGES],
    ['/models/', SMALL_MODELS],
    ['/embedded/', MODELS],
    ['/work/', WORK],
    ['/', PAGES],
  ];
  return startServer({ mounts, ...options });
}

/** Opens a page of a server, in a context of its own unless there is one, and waits until its script has run. */
export async function openPage(browser, server, { context, path = '/harness.html' } = {}) {
  const own = context ?? (await browser.newContext());
  const page = await own.newPage();
  const failures = watch(page, [server.origin]);
  await page.goto(`${server.origin}${path}`);
  await page.waitForFunction(() => window.ready === true);
  return {
    page,
    context: own,
    failures,
    close: () => (context === undefined ? own.close() : page.close()),
  };
}

/** The package in Node, with its addon: what results in browsers are compared with. */
export const native = createRequire(join(PACKAGE, 'package.json'))('silhouette-seg');

export function agreement(found, expected) {
  if (found.length !== expected.length) throw new Error(`${found.length} pixels instead of ${expected.length}`);
  let same = 0;
  for (let i = 0; i < found.length; ++i) if (found[i] === expected[i]) same += 1;
  return same / found.length;
}

export function largestError(found, expected) {
  if (found.length !== expected.length) throw new Error(`${found.length} values instead of ${expected.length}`);
  let largest = 0;
  for (let i = 0; i < found.length; ++i) {
    const error = Math.abs(found[i] - expected[i]);
    if (!(error <= largest)) largest = error; // NaN, too
  }
  return largest;
}

export function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
