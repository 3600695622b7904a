// Three projects that install the packed tarball, build without configuration, and segment a photo in Chromium.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { launchChromium, watch } from './support/browsers.mjs';
import { agreement, native } from './support/harness.mjs';
import { SAMPLES } from './support/paths.mjs';
import { buildProject } from './support/projects.mjs';
import { startServer, STRICT_POLICY } from './support/server.mjs';
import { screenshot } from './support/screenshot.mjs';

let browser;
let expected;
before(async () => {
  browser = await launchChromium();
  const segmenter = await native.Segmenter.load(native.SELFIE_SEGMENTATION_EMBEDDED);
  expected = await segmenter.segment(join(SAMPLES, 'astronaut.png'), { resize: true });
  segmenter.close();
});
after(async () => {
  await browser?.close();
});

const PROJECTS = [
  { name: 'plain', photo: 'astronaut.png', served: '', policy: STRICT_POLICY },
  { name: 'vite', photo: 'src/astronaut.png', served: 'dist', policy: STRICT_POLICY, hook: true },
  { name: 'webpack', photo: 'src/astronaut.png', served: '', policy: STRICT_POLICY },
];

for (const { name, photo, served, policy, hook = false } of PROJECTS) {
  test(`${name}: installed from the tarball, built, and run`, async (t) => {
    const { folder } = await buildProject(name, { photo });
    for (const isolated of [true, false]) {
      const server = await startServer({ mounts: [['/', join(folder, served)]], isolated, policy });
      const context = await browser.newContext();
      const page = await context.newPage();
      const failures = watch(page, [server.origin]);
      await page.goto(server.origin);
      await page.waitForFunction(() => window.result !== undefined);
      const result = await page.evaluate(() => window.result);
      const line = await page.textContent('#line');
      t.diagnostic(`${isolated ? 'isolated' : 'not isolated'}: ${line}`);
      assert.deepEqual([result.width, result.height], [512, 512]);
      assert.ok(agreement(result.argmax, expected.argmax) >= 0.9999);
      if (hook) {
        await page.getByRole('button', { name: 'Find the person' }).click();
        const found = Number(await page.locator('output').textContent());
        assert.ok(line.startsWith(`${found} of `), `the hook found ${found}`);
      }
      await screenshot(page, `project-${name}`);
      assert.deepEqual(failures(), []);
      await context.close();
      await server.close();
    }
  });
}

test('vite: its development server, which bundles packages in another way', async () => {
  const { folder } = await buildProject('vite');
  const { createServer } = await import(
    pathToFileURL(join(folder, 'node_modules', 'vite', 'dist', 'node', 'index.js'))
  );
  const server = await createServer({ root: folder, server: { host: '127.0.0.1', port: 0 }, logLevel: 'error' });
  try {
    await server.listen();
    const [url] = server.resolvedUrls.local;
    const page = await browser.newPage();
    const failures = watch(page, [url.replace(/\/$/, '')]);
    await page.goto(url);
    await page.waitForFunction(() => window.result !== undefined);
    assert.ok(agreement(await page.evaluate(() => window.result.argmax), expected.argmax) >= 0.9999);
    assert.deepEqual(failures(), []);
    await page.close();
  } finally {
    await server.close();
  }
});
