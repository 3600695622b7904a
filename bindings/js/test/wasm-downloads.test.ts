import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { ModelDownloads as NodeDownloads } from '../dist/cjs/wasm/downloads.js';
import { MODEL_LIMITS, type DownloadLimits } from '../dist/cjs/wasm/transfer.js';
import type { Downloads } from '../dist/cjs/wasm/platform.js';
import type { ModelStore } from '../dist/cjs/wasm/store.js';
import { FileStore } from '../dist/cjs/node/store.js';
import { ModelDownloads as WebDownloads } from '../web-modules/wasm/downloads.js';
import { WebStore, PIECE_BYTES } from '../web-modules/web/store.js';
import { scratchFolder, serve, type TestServer } from './support.js';
import { MemoryMedium } from './memory-medium.js';

const rejectsWith = async (promise: Promise<unknown>, code: string, ...words: string[]): Promise<void> => {
  await assert.rejects(promise, (error: { code?: unknown; message: string }) => {
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `'${word}' in: ${error.message}`);
    return true;
  });
};

/** Larger than a piece of a browser's store; nothing repeats in it. */
const model = Buffer.alloc(2 * PIECE_BYTES + 1234);
for (let i = 0, random = 1; i < model.length; ++i) {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  model[i] = random >>> 24;
}
const digest = createHash('sha256').update(model).digest('hex');

const LIMITS: DownloadLimits = { ...MODEL_LIMITS, firstDelayMs: 1, maxDelayMs: 1 };

const STORES: Record<string, () => ModelStore> = {
  'a folder': () => new FileStore(join(scratchFolder(), 'not', 'there', 'yet')),
  'pieces in two media': () => new WebStore([new MemoryMedium(), new MemoryMedium()]),
};

/** Each build of the package has its own class of errors. */
function admin(store: ModelStore, limits = LIMITS): Downloads {
  const settings = { store: () => Promise.resolve(store), limits };
  return store instanceof FileStore ? new NodeDownloads(settings) : new WebDownloads(settings);
}

interface Reading {
  bytes: Promise<Uint8Array>;
  fractions: number[];
  controller: AbortController;
}

function read(
  store: ModelStore,
  url: string,
  options: { limits?: Partial<DownloadLimits>; sha256?: string } = {},
): Reading {
  const downloads = admin(store, { ...LIMITS, ...options.limits });
  const controller = new AbortController();
  const fractions: number[] = [];
  const bytes = downloads.read(url, {
    directory: undefined,
    onProgress: (fraction) => fractions.push(fraction),
    signal: controller.signal,
    ...(options.sha256 !== undefined && { sha256: options.sha256 }),
  });
  bytes.catch(() => undefined);
  return { bytes, fractions, controller };
}

/** Answers with the model or, if a range is asked for, the rest of it. */
function answer(request: IncomingMessage, response: ServerResponse, etag = '"1"', until = model.length): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    'Content-Length': model.length - from,
    ETag: etag,
    ...(from > 0 && { 'Content-Range': `bytes ${String(from)}-${String(model.length - 1)}/${String(model.length)}` }),
  });
  if (until === model.length) response.end(model.subarray(from));
  else response.write(model.subarray(from, until), () => response.destroy());
}

async function withServer(
  handler: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  body: (url: string, server: TestServer & { ranges: (string | undefined)[] }) => Promise<void>,
): Promise<void> {
  const ranges: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response, ranges.length);
  });
  try {
    await body(`${server.origin}/models/net.pte?token=secret`, { ...server, ranges });
  } finally {
    await server.close();
  }
}

for (const [name, newStore] of Object.entries(STORES)) {
  test(`${name}: downloaded once, checked, listed, removed`, async () => {
    const store = newStore();
    await withServer(
      (request, response) => {
        answer(request, response);
      },
      async (url, server) => {
        const first = read(store, url, { sha256: digest.toUpperCase() });
        assert.ok(model.equals(await first.bytes));
        const { fractions } = first;
        assert.equal(fractions[0], 0);
        assert.equal(fractions.at(-1), 1);
        assert.ok(
          fractions.length > 3 && fractions.every((fraction, i) => i === 0 || fraction > (fractions[i - 1] as number)),
        );
        assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
        assert.equal(server.requests.length, 1);

        const [entry, ...more] = await admin(store).list(undefined);
        assert.deepEqual(more, []);
        assert.match(entry?.path ?? '', /net-[\da-f]{16}\.pte$/);
        assert.ok(!entry?.path.includes('secret'));
        assert.equal(entry?.bytes, model.length);
        assert.equal(entry.complete, true);
        assert.equal(await admin(store).remove(url, undefined), true);
        assert.equal(await admin(store).remove(entry.path, undefined), false);
        assert.deepEqual(await admin(store).list(undefined), []);
        await rejectsWith(admin(store).remove('/etc/passwd', undefined), 'INVALID_ARGUMENT', '/etc/passwd');
      },
    );
  });

  test(`${name}: a dropped connection is taken up where it broke off`, async () => {
    const store = newStore();
    const broken = PIECE_BYTES + 1000;
    await withServer(
      (request, response, count) => {
        answer(request, response, '"1"', count === 1 ? broken : model.length);
      },
      async (url, server) => {
        assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
        const [first, second] = server.ranges;
        assert.equal(first, undefined);
        const from = Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1]);
        assert.ok(from > 0 && from <= broken, second);
      },
    );
  });

  test(`${name}: an aborted download is kept, and taken up later`, async () => {
    const store = newStore();
    const kept = PIECE_BYTES + 5;
    await withServer(
      (request, response, count) => {
        if (count > 1) {
          answer(request, response);
          return;
        }
        response.writeHead(200, { 'Content-Length': model.length, ETag: '"1"' });
        response.write(model.subarray(0, kept));
      },
      async (url, server) => {
        const aborted = read(store, url);
        while ((aborted.fractions.at(-1) ?? 0) * model.length < kept - 0.5) await new Promise(setImmediate);
        aborted.controller.abort();
        await rejectsWith(aborted.bytes, 'CANCELLED', 'net.pte');
        const [entry] = await admin(store).list(undefined);
        assert.equal(entry?.complete, false);
        assert.ok(entry.bytes >= PIECE_BYTES, String(entry.bytes));

        const second = read(store, url, { sha256: digest });
        assert.ok(model.equals(await second.bytes));
        assert.deepEqual(server.ranges, [undefined, `bytes=${String(kept)}-`]);
        assert.ok((second.fractions[1] ?? 0) >= kept / model.length - 1e-9);
      },
    );
  });

  test(`${name}: another version on the server begins anew`, async () => {
    const store = newStore();
    await withServer(
      (request, response, count) => {
        answer(request, response, count === 1 ? '"old"' : '"new"', count === 1 ? 70_000 : model.length);
      },
      async (url, server) => {
        assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
        assert.equal(server.ranges.length, 3);
        assert.equal(server.ranges[2], undefined);
      },
    );
  });

  test(`${name}: a server that knows If-Range sends another version at once`, async () => {
    const store = newStore();
    const versions: (string | undefined)[] = [];
    await withServer(
      (request, response, count) => {
        const version = request.headers['if-range'];
        versions.push(typeof version === 'string' ? version : undefined);
        if (version === '"old"') delete request.headers.range;
        answer(request, response, count === 1 ? '"old"' : '"new"', count === 1 ? 70_000 : model.length);
      },
      async (url) => {
        assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
        assert.deepEqual(versions, [undefined, '"old"']);
      },
    );
  });

  test(`${name}: a server that doesn't know the range any more begins anew`, async () => {
    const store = newStore();
    await withServer(
      (request, response, count) => {
        if (count === 2) {
          response.writeHead(416);
          response.end();
          return;
        }
        answer(request, response, '"1"', count === 1 ? 70_000 : model.length);
      },
      async (url) => {
        assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
      },
    );
  });

  test(`${name}: without an ETag nothing is kept of a broken download`, async () => {
    const store = newStore();
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': model.length });
        response.write(model.subarray(0, 5_000_000), () => response.destroy());
      },
      async (url) => {
        await rejectsWith(
          read(store, url, { limits: { retries: 0 } }).bytes,
          'DOWNLOAD_FAILED',
          `of ${String(model.length)}`,
        );
        assert.deepEqual(await admin(store).list(undefined), []);
      },
    );
  });

  test(`${name}: what hasn't the SHA-256 is refused, and not kept`, async () => {
    const store = newStore();
    await withServer(
      (request, response) => {
        answer(request, response);
      },
      async (url, server) => {
        const wrong = '0'.repeat(64);
        await rejectsWith(read(store, url, { sha256: wrong }).bytes, 'DOWNLOAD_FAILED', wrong, digest);
        assert.deepEqual(await admin(store).list(undefined), []);
        await read(store, url).bytes;
        // What is here and isn't what is wanted is fetched anew.
        await rejectsWith(read(store, url, { sha256: wrong }).bytes, 'DOWNLOAD_FAILED', wrong);
        assert.equal(server.requests.length, 3);
      },
    );
  });

  test(`${name}: two at once: one download`, async () => {
    const store = newStore();
    let finish: (() => void) | undefined;
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': model.length, ETag: '"1"' });
        response.write(model.subarray(0, 1000));
        finish = () => response.end(model.subarray(1000));
      },
      async (url, server) => {
        const one = read(store, url);
        while (one.fractions.length < 2) await new Promise(setImmediate);
        const other = read(store, url);
        await new Promise(setImmediate);
        await rejectsWith(admin(store).remove(url, undefined), 'IO_ERROR', 'being downloaded');
        finish?.();
        assert.ok(model.equals(await one.bytes));
        assert.ok(model.equals(await other.bytes));
        assert.equal(server.requests.length, 1);
      },
    );
  });

  test(`${name}: prune keeps what was used last, and no interrupted download`, async () => {
    const store = newStore();
    await withServer(
      (request, response) => {
        if (request.url?.startsWith('/broken')) answer(request, response, '"1"', 5_000_000);
        else response.end(model.subarray(0, 1000));
      },
      async (_url, server) => {
        const origin = server.origin;
        await read(store, `${origin}/a.pte`).bytes;
        await read(store, `${origin}/b.pte`).bytes;
        await new Promise((done) => setTimeout(done, 5));
        await read(store, `${origin}/a.pte`).bytes;
        await rejectsWith(read(store, `${origin}/broken.pte`, { limits: { retries: 0 } }).bytes, 'DOWNLOAD_FAILED');
        const removed = await admin(store).prune({ maxBytes: 1500 }, undefined);
        assert.deepEqual(
          removed.map(({ path }) => /(\w+)-[\da-f]+\.pte$/.exec(path)?.[1]),
          ['b', 'broken'],
        );
        assert.equal((await admin(store).list(undefined)).length, 1);
        assert.equal((await admin(store).prune({ maxAgeMs: 3_600_000 }, undefined)).length, 0);
      },
    );
  });
}

test('statuses: some are asked again, others are final', async () => {
  const store = STORES['a folder']?.() as ModelStore;
  const statuses = [503, 429, 200];
  await withServer(
    (request, response) => {
      const status = statuses.shift();
      if (status === 200) {
        answer(request, response);
        return;
      }
      response.writeHead(status ?? 500, { 'Retry-After': '0' });
      response.end('busy');
    },
    async (url) => {
      assert.ok(model.equals(await read(store, url).bytes));
    },
  );
  for (const [status, attempts, word] of [
    [404, 1, 'not found'],
    [500, 3, '3 attempts'],
  ] as const) {
    await withServer(
      (_request, response) => {
        response.writeHead(status);
        response.end();
      },
      async (url, server) => {
        await rejectsWith(
          read(store, `${url}2`, { limits: { retries: 2 } }).bytes,
          'DOWNLOAD_FAILED',
          String(status),
          word,
        );
        assert.equal(server.requests.length, attempts);
      },
    );
  }
  await withServer(
    (_request, response) => {
      response.writeHead(503, { 'Retry-After': '3600' });
      response.end();
    },
    async (url, server) => {
      await rejectsWith(read(store, `${url}3`).bytes, 'DOWNLOAD_FAILED', '3600 s');
      assert.equal(server.requests.length, 1);
    },
  );
});

test('redirects are followed', async () => {
  const store = STORES['a folder']?.() as ModelStore;
  await withServer(
    (request, response) => {
      if (request.url?.startsWith('/models')) {
        response.writeHead(302, { Location: '/elsewhere' });
        response.end();
      } else {
        answer(request, response);
      }
    },
    async (url) => {
      assert.ok(model.equals(await read(store, url, { sha256: digest }).bytes));
    },
  );
});

test('what is compressed on the way has another length', async () => {
  const store = STORES['pieces in two media']?.() as ModelStore;
  const text = Buffer.alloc(100_000, 'model ');
  const packed = gzipSync(text);
  await withServer(
    (_request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length, ETag: '"1"' });
      response.end(packed);
    },
    async (url) => {
      const { bytes, fractions } = read(store, url);
      assert.ok(text.equals(await bytes));
      assert.deepEqual(fractions, [0, 1]);
    },
  );
});

test('a server that says nothing more is given up', async () => {
  const store = STORES['a folder']?.() as ModelStore;
  const limits = { stallMs: 30, retries: 0 };
  await withServer(
    (_request, response) => {
      response.writeHead(200, { 'Content-Length': model.length, ETag: '"1"' });
      response.write(model.subarray(0, 1000));
    },
    async (url) => {
      await rejectsWith(read(store, url, { limits }).bytes, 'DOWNLOAD_FAILED', 'nothing came for 30 ms');
    },
  );
  await withServer(
    () => undefined,
    async (url) => {
      await rejectsWith(read(store, url, { limits }).bytes, 'DOWNLOAD_FAILED', 'nothing came for 30 ms');
    },
  );
});

test('a server that sends next to nothing is given up', async () => {
  const store = STORES['a folder']?.() as ModelStore;
  let timer: NodeJS.Timeout | undefined;
  await withServer(
    (_request, response) => {
      response.writeHead(200, { 'Content-Length': model.length, ETag: '"1"' });
      timer = setInterval(() => response.write('x'), 5);
    },
    async (url) => {
      const limits = { rateWindowMs: 40, leastRate: 1e6, retries: 0 };
      await rejectsWith(read(store, url, { limits }).bytes, 'DOWNLOAD_FAILED', 'bytes a second');
    },
  );
  clearInterval(timer);
});

test('limits, pages in place of files, hosts that are none', async () => {
  const store = STORES['a folder']?.() as ModelStore;
  await withServer(
    (request, response) => {
      if (request.url?.includes('chunked')) {
        response.write(model.subarray(0, 3000));
        response.end(model.subarray(3000, 6000));
      } else if (request.url?.includes('page')) {
        response.end('<!doctype html><title>Log in</title>');
      } else if (request.url?.includes('empty')) {
        response.end();
      } else if (request.url?.includes('flat')) {
        // A file's first number may be that of any character.
        response.end('<\0\0\0ET12 and so on');
      } else {
        answer(request, response);
      }
    },
    async (_url, { origin }) => {
      const limits = { maxBytes: 5000 };
      await rejectsWith(read(store, `${origin}/known`, { limits }).bytes, 'LIMIT_EXCEEDED', '5000 bytes');
      await rejectsWith(read(store, `${origin}/chunked`, { limits }).bytes, 'LIMIT_EXCEEDED', '5000 bytes');
      await rejectsWith(read(store, `${origin}/page`).bytes, 'INVALID_MODEL', '<!doctype html>');
      await rejectsWith(read(store, `${origin}/empty`).bytes, 'INVALID_MODEL', '0 bytes');
      assert.equal((await read(store, `${origin}/flat`).bytes).length, 18);
      assert.equal((await admin(store).list(undefined)).length, 1);
    },
  );
  const refused = read(store, 'http://127.0.0.1:1/x.pte').bytes;
  await rejectsWith(refused, 'DOWNLOAD_FAILED', '127.0.0.1', 'network');
});

test('no room: LIMIT_EXCEEDED says how much is needed, and nothing is left', async () => {
  const store = new WebStore([new MemoryMedium(), new MemoryMedium(6_000_000)]);
  await withServer(
    (request, response) => {
      answer(request, response);
    },
    async (url) => {
      await rejectsWith(read(store, url).bytes, 'LIMIT_EXCEEDED', 'no room', 'cache.prune');
      assert.deepEqual(await admin(store).list(undefined), []);
    },
  );
});

test('small files lie in the first medium, large ones in the second', async () => {
  const [small, large] = [new MemoryMedium(), new MemoryMedium()];
  const store = new WebStore([small, large]);
  await withServer(
    (request, response) => {
      if (request.url?.includes('small')) response.end(model.subarray(0, 1000));
      else answer(request, response);
    },
    async (url, { origin }) => {
      await read(store, `${origin}/small.pte`).bytes;
      assert.equal((await small.keys()).length, 2);
      assert.equal((await large.keys()).length, 0);
      await read(store, url).bytes;
      const pieces = (await large.keys()).length;
      assert.ok(pieces >= 3, String(pieces));
      // A piece that is gone makes the file one that isn't here.
      await large.delete((await large.keys()).find((key) => key.endsWith('/1')) ?? '');
      assert.ok(model.equals(await read(store, url).bytes));
      assert.equal((await large.keys()).length, pieces);
    },
  );
});
