/** Where the system gives no more threads: calls are refused, nothing crashes, and all works again afterwards. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { chelsea, onlyWithAddon, packageRoot, scratchFolder, tinyFile } from './support.js';

const folder = scratchFolder();
chmodSync(folder, 0o755);
const [photo, model] = [join(folder, 'photo.png'), join(folder, 'model.pte')];
copyFileSync(chelsea, photo);
copyFileSync(tinyFile, model);

/** The limit of this process, which is what a child starts with. */
const usual = /^Max processes +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 'unlimited';

/**
 * What a program says that can have its threads `limit()`ed to those it has, and `unlimit()`ed; undefined where this can't be
 * done. No such limit counts for root, so that the program runs as another user then.
 */
async function runLimited(t: TestContext, body: string): Promise<string[] | undefined> {
  const code = `
    const ask = (limit) => new Promise((done) => { process.once('message', done); process.send({ limit }); });
    const limit = () => ask('1');
    const unlimit = () => ask('${usual}');
    const { Segmenter } = require(${JSON.stringify(packageRoot)});
    const [photo, model] = ${JSON.stringify([photo, model])};
    const say = (what) => process.send({ said: what });
    const tell = (promise) => promise.then(() => 'works', ({ name, code }) => name + ' ' + code).then(say);
    (async () => { ${body}; process.disconnect(); })();`;
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const readable = spawnSync(process.execPath, ['-e', `require(${JSON.stringify(packageRoot)})`], {
    cwd: '/',
    ...user,
  });
  if (readable.status !== 0 || spawnSync('prlimit', ['--version']).status !== 0) {
    t.skip('there is no prlimit, or the package is not for everybody to read');
    return undefined;
  }
  const child = spawn(process.execPath, ['-e', code], {
    cwd: '/',
    ...user,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const output: string[] = [];
  child.on('message', ({ limit, said }: { limit?: string; said?: string }) => {
    if (said !== undefined) output.push(said);
    if (limit === undefined) return;
    if (spawnSync('prlimit', ['--pid', String(child.pid), `--nproc=${limit}:`], user).status === 0) child.send('done');
    else child.kill();
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.deepEqual({ status, signal, output }, { status: 0, signal: null, output });
  return output;
}

const skip = onlyWithAddon('node ends itself where its own pool gets no threads');

test('no thread for the first call', { skip }, async (t) => {
  const output = await runLimited(
    t,
    `await limit();
     await tell(Segmenter.load(model));
     await unlimit();
     await tell(Segmenter.load(model));`,
  );
  if (output !== undefined) assert.deepEqual(output, ['SegmentationError LIMIT_EXCEEDED', 'works']);
});

test('no thread but those that there are', async (t) => {
  const output = await runLimited(
    t,
    `const segmenter = await Segmenter.load(model, { concurrency: 8 });
     await limit();
     const pixels = { data: new Uint8Array(40 * 30 * 3), width: 40, height: 30 };
     await Promise.all(Array.from({ length: 8 }, () => tell(segmenter.segment(pixels))));
     const result = await segmenter.segment(pixels);
     await tell(result.toMaskPng());
     segmenter.close();
     await unlimit();
     await tell(Segmenter.load(model));`,
  );
  if (output !== undefined) assert.deepEqual(output, new Array(10).fill('works'));
});
