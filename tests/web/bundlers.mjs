// Bundlers whose projects take too long for every test run, or need more than a project's own settings: builds each from the
// packed tarball, runs it in Chromium, and prints what came of it. README.md has the results.
//
//   node bundlers.mjs [NAME…]      after ./dev browsers
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { launchChromium, watch } from './support/browsers.mjs';
import { agreement, native } from './support/harness.mjs';
import { SAMPLES } from './support/paths.mjs';
import { buildProject } from './support/projects.mjs';
import { startServer } from './support/server.mjs';
import { screenshot } from './support/screenshot.mjs';

const PROJECTS = {
  vite: { tool: 'vite', photo: 'src/astronaut.png', served: 'dist' },
  webpack: { tool: 'webpack', photo: 'src/astronaut.png', served: '' },
  esbuild: { tool: 'esbuild', photo: 'src/astronaut.png', served: '' },
  rollup: { tool: 'rollup', photo: 'src/astronaut.png', served: '' },
  next: { tool: 'next', photo: 'app/astronaut.png', served: 'out' },
  parcel: { tool: 'parcel', photo: 'src/astronaut.png', served: 'dist' },
};

async function runInPage(browser, folder, name) {
  const server = await startServer({ mounts: [['/', folder]] });
  const page = await browser.newPage();
  const failures = watch(page, [server.origin]);
  try {
    await page.goto(server.origin);
    await page.waitForFunction(() => window.result !== undefined);
    await screenshot(page, `project-${name}`);
    return { result: await page.evaluate(() => window.result), line: await page.textContent('#line') };
  } catch (error) {
    throw new Error([error.message.split('\n')[0], ...failures()].join('; '));
  } finally {
    await page.close();
    await server.close();
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PROJECTS);
const browser = await launchChromium();
const segmenter = await native.Segmenter.load(native.SELFIE_SEGMENTATION_EMBEDDED);
const expected = await segmenter.segment(join(SAMPLES, 'astronaut.png'), { resize: true });
segmenter.close();
const table = {};
for (const name of names) {
  const { tool, photo, served } = PROJECTS[name];
  const row = { version: '', built: '', result: '' };
  table[name] = row;
  try {
    const began = performance.now();
    const { folder } = await buildProject(name, { photo });
    row.version = createRequire(join(folder, 'package.json'))(
      join(folder, 'node_modules', tool, 'package.json'),
    ).version;
    row.built = `${((performance.now() - began) / 1000).toFixed(0)} s`;
    const { result, line } = await runInPage(browser, join(folder, served), name);
    const agrees = agreement(result.argmax, expected.argmax);
    row.result = `${line}; ${(agrees * 100).toFixed(3)} % as natively`;
  } catch (error) {
    row.result = `failed: ${error.message.slice(-600)}`;
    process.exitCode = 1;
  }
}
await browser.close();
for (const [name, { version, built, result }] of Object.entries(table))
  console.log(`${name} ${version}, ${built}: ${result}`);
