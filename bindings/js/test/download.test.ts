import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Segmenter } from 'silhouette-seg';

import {
  cache,
  chelsea,
  embeddedFile,
  packageRoot,
  rejectsWith,
  scratchFolder,
  serve,
  tinyFile,
  withoutAddon,
} from './support.js';

/** Runs a program of its own with the package as `silhouette`; `hear` gets what it prints, line by line or more. */
function runProcess(body: string, env: NodeJS.ProcessEnv, hear: (text: string) => void): Promise<void> {
  const code = `const silhouette = require(${JSON.stringify(packageRoot)}); (async () => { ${body} })();`;
  const child = spawn(process.execPath, ['-e', code], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', hear);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`ended with ${String(status)}`));
    });
  });
}

test('eight processes at once: one download', async () => {
  const bytes = readFileSync(embeddedFile);
  const middle = bytes.length / 2;
  const outputs = Array.from({ length: 8 }, () => '');
  let finish: (() => void) | undefined;
  // The file ends only when all of them load it.
  const finishIfAllLoad = (): void => {
    if (outputs.every((output) => output.startsWith('loading'))) finish?.();
  };
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"1"' });
    response.write(bytes.subarray(0, middle));
    finish = () => response.end(bytes.subarray(middle));
    finishIfAllLoad();
  });
  try {
    const program = `
      const loading = silhouette.Segmenter.load('${server.origin}/model.pte');
      console.log('loading');
      const { argmax } = await (await loading).segment(${JSON.stringify(chelsea)});
      console.log(argmax.reduce((sum, label) => sum + label, 0));`;
    const env = { SILHOUETTE_CACHE: scratchFolder() };
    const hear = (i: number) => (text: string) => {
      outputs[i] = (outputs[i] ?? '') + text;
      finishIfAllLoad();
    };
    await Promise.all(outputs.map((_, i) => runProcess(program, env, hear(i))));
    assert.deepEqual(server.requests, ['GET /model.pte']);
    assert.match(outputs[0] ?? '', /^loading\n[1-9]\d+\n$/);
    for (const output of outputs) assert.equal(output, outputs[0]);
  } finally {
    await server.close();
  }
});

test('a dropped connection is taken up where it broke off', async () => {
  const bytes = readFileSync(tinyFile);
  const ranges: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    ranges.push(request.headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': bytes.length - from,
      ETag: '"1"',
      ...(from > 0
        ? { 'Content-Range': `bytes ${String(from)}-${String(bytes.length - 1)}/${String(bytes.length)}` }
        : {}),
    });
    if (ranges.length > 1) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(0, 1000), () => response.destroy());
  });
  try {
    const fractions: number[] = [];
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const segmenter = await Segmenter.load(`${server.origin}/dropped.pte`, {
      sha256,
      onProgress: (fraction) => fractions.push(fraction),
    });
    await segmenter.segment(chelsea);
    segmenter.close();
    // Node's fetch may have lost what came right before the connection broke.
    if (withoutAddon) assert.ok(ranges.length === 2 && [undefined, 'bytes=1000-'].includes(ranges[1]), String(ranges));
    else assert.deepEqual(ranges, [undefined, 'bytes=1000-']);
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
    assert.equal(fractions.at(-1), 1);
  } finally {
    await server.close();
  }
});

test('a server that is busy is asked again', async () => {
  const bytes = readFileSync(tinyFile);
  const answers = [503, 429, 200];
  const server = await serve((_request, response) => {
    const status = answers.shift() ?? 500;
    response.writeHead(status, { 'Retry-After': '0' });
    response.end(status === 200 ? bytes : 'busy');
  });
  try {
    (await Segmenter.load(`${server.origin}/busy.pte`)).close();
    assert.equal(server.requests.length, 3);
  } finally {
    await server.close();
  }
});

test('what a download must have and has not is refused, and not kept', async () => {
  const bytes = readFileSync(tinyFile);
  const server = await serve((_request, response) => {
    response.end(bytes);
  });
  try {
    const url = `${server.origin}/other.pte`;
    const sha256 = '0'.repeat(64);
    await rejectsWith(Segmenter.load(url, { sha256 }), 'DOWNLOAD_FAILED', sha256, url);
    await rejectsWith(Segmenter.load(url, { sha256 }), 'DOWNLOAD_FAILED', sha256, url);
    assert.equal(server.requests.length, 2, 'the wrong file is fetched anew, not taken from the cache');
  } finally {
    await server.close();
  }
});

test('cacheDirectory', async () => {
  const bytes = readFileSync(tinyFile);
  const server = await serve((_request, response) => {
    response.end(bytes);
  });
  const folder = scratchFolder();
  try {
    const url = `${server.origin}/elsewhere.pte`;
    for (const cacheDirectory of [folder, folder, cache]) (await Segmenter.load(url, { cacheDirectory })).close();
    assert.equal(server.requests.length, 2);
    rmSync(folder, { recursive: true });
    (await Segmenter.load(url, { cacheDirectory: join(folder, 'made', 'anew') })).close();
    assert.equal(server.requests.length, 3);
  } finally {
    await server.close();
  }
});
