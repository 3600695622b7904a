import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Segmenter } from 'silhouette-seg';

import { chelsea, rejectsWith, repository, scratchFolder, serve, tinyFile, withoutAddon } from './support.js';

let segmenter: Segmenter;
const folder = scratchFolder();

before(async () => {
  segmenter = await Segmenter.load(tinyFile);
});
after(() => {
  segmenter.close();
});

test('images', async () => {
  const png = readFileSync(chelsea);
  await rejectsWith(segmenter.segment('/no/such.jpg'), 'FILE_NOT_FOUND', '/no/such.jpg');
  await rejectsWith(segmenter.segment(folder), 'IO_ERROR', folder);
  await rejectsWith(segmenter.segment('not_a_valid_uri://bad'), 'INVALID_ARGUMENT', 'not_a_valid_uri');
  await rejectsWith(segmenter.segment('data:image/png;base64,****'), 'INVALID_ARGUMENT');
  await rejectsWith(segmenter.segment(''), 'INVALID_ARGUMENT');
  await rejectsWith(segmenter.segment(Buffer.alloc(0)), 'INVALID_IMAGE');
  await rejectsWith(segmenter.segment(png.subarray(0, png.length / 2)), 'INVALID_IMAGE');
  await rejectsWith(segmenter.segment(Buffer.from('just some text')), 'UNSUPPORTED_IMAGE');
  for (const input of [undefined, null, 5, {}, () => 0]) {
    await rejectsWith(segmenter.segment(input as never), 'INVALID_ARGUMENT', 'an image is');
  }
  async function* wrongChunks(): AsyncGenerator {
    yield await Promise.resolve('text');
  }
  await rejectsWith(segmenter.segment(wrongChunks() as never), 'INVALID_ARGUMENT', 'chunk');
});

test('a stream that fails fails the call with its own error', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.error(new Error('the network went away'));
    },
  });
  await assert.rejects(segmenter.segment(broken), /the network went away/);
});

test('a stream without end is cut off', async () => {
  const chunk = new Uint8Array(32 << 20);
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(chunk);
    },
    cancel: () => {
      cancelled = true;
    },
  });
  await rejectsWith(segmenter.segment(endless), 'LIMIT_EXCEEDED', 'bytes');
  assert.ok(cancelled);
});

test('models', async () => {
  const bytes = readFileSync(tinyFile);
  const truncated = join(folder, 'truncated.pte');
  writeFileSync(truncated, bytes.subarray(0, bytes.length / 2));
  await rejectsWith(Segmenter.load(truncated), 'INVALID_MODEL', truncated);
  await rejectsWith(Segmenter.load('/no/such.pte'), 'FILE_NOT_FOUND', '/no/such.pte');
  await rejectsWith(Segmenter.load(new Uint8Array(0)), 'INVALID_MODEL');
  const models = join(repository, 'tests', 'data', 'models');
  if (withoutAddon) {
    await rejectsWith(
      Segmenter.load(join(models, 'int_output.pte')),
      'UNSUPPORTED_MODEL',
      'int_output.pte',
      'ExecuTorch',
    );
  } else {
    using numbers = await Segmenter.load(join(models, 'int_output.pte'));
    assert.equal((await numbers.segment(chelsea)).argmax.length, 256);
    await rejectsWith(numbers.segment(chelsea, { classes: [1] }), 'UNSUPPORTED_MODEL', 'int_output.pte', 'argmax');
  }
  await rejectsWith(Segmenter.load(join(models, 'rank2_input.pte')), 'UNSUPPORTED_MODEL', 'rank2_input.pte');
});

test('downloads', async () => {
  const server = await serve((request, response) => {
    response.statusCode = request.url === '/gone.pte' ? 404 : 200;
    response.end('nothing');
  });
  try {
    await rejectsWith(Segmenter.load(`${server.origin}/gone.pte`), 'DOWNLOAD_FAILED', '404', '/gone.pte');
    await rejectsWith(segmenter.segment(`${server.origin}/text.jpg`), 'UNSUPPORTED_IMAGE');
  } finally {
    await server.close();
  }
  const unused = createServer();
  await new Promise<void>((done) => unused.listen(0, '127.0.0.1', done));
  const { port } = unused.address() as AddressInfo;
  await new Promise((done) => unused.close(done));
  const nobody = `http://127.0.0.1:${String(port)}/photo.jpg`;
  await rejectsWith(segmenter.segment(nobody), 'DOWNLOAD_FAILED', nobody);
});

test('a certificate that nobody signed is refused, also inside of a node that brings OpenSSL of its own', async () => {
  const { createServer: createTlsServer } = await import('node:tls');
  const { execFileSync } = await import('node:child_process');
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-days', '2'];
    const output = ['-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...output], {
      stdio: 'ignore',
    });
  } catch {
    return;
  }
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => socket.end());
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  try {
    await rejectsWith(segmenter.segment(`https://localhost:${String(port)}/a.jpg`), 'DOWNLOAD_FAILED', 'localhost');
  } finally {
    server.close();
  }
});

test('a mistake in the progress callback is seen and harms nothing', async () => {
  const seen: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => seen.push(error));
  try {
    const loaded = await Segmenter.load(tinyFile, {
      onProgress: () => {
        throw new Error('a mistake');
      },
    });
    loaded.close();
    await new Promise((done) => setImmediate(done));
    assert.ok(seen.length > 0);
    assert.match(String(seen[0]), /a mistake/);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
});
