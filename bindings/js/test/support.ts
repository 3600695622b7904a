import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';

import { SegmentationError, type ErrorCode } from 'silhouette-seg';

export const packageRoot = fileURLToPath(new URL('..', import.meta.url));
export const repository = resolve(packageRoot, '..', '..');
export const samples = join(repository, 'models', 'samples');
export const chelsea = join(samples, 'chelsea.png');
export const astronaut = join(samples, 'astronaut.png');
export const embeddedFile = join(repository, 'models', 'deeplab_v3_mobilenet_v2.pte');
/** A network of some kilobytes: 3 × 32 × 48 or so, loaded in a millisecond. */
export const tinyFile = join(repository, 'tests', 'data', 'models', 'tiny_plain.pte');

/** Whether the package that is tested has no addon (`run-tests.mjs --without-addon`). */
export const withoutAddon = process.env['SILHOUETTE_TESTED'] === 'wasm';

/** For tests of what only the addon has: why they are skipped without it, or false. */
export const onlyWithAddon = (what: string): string | false => withoutAddon && `without the addon: ${what}`;

/** A folder that is removed when the process ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'silhouette-node-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export const cache = scratchFolder();
// Tests neither see nor leave downloads of the user's.
process.env['SILHOUETTE_CACHE'] = cache;

export interface TestServer {
  origin: string;
  requests: string[];
  close: () => Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on a free port of this machine. */
export async function serve(handler: Handler): Promise<TestServer> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    handler(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    requests,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => {
          done();
        });
      }),
  };
}

/** Answers every request with a file. */
export function serveFile(path: string): Promise<TestServer> {
  const bytes = readFileSync(path);
  return serve((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"1"' });
    response.end(bytes);
  });
}

/** A full-size network with generated weights, made from its skeleton. */
export function synthesize(skeleton: string, folder: string): string {
  const tool = join(repository, 'build', 'release', 'tools', 'synthesize', 'synthesize');
  assert.ok(existsSync(tool), `${tool} is missing; run ./dev build`);
  const path = join(folder, `${skeleton}.pte`);
  execFileSync(tool, [join(repository, 'models', 'skeletons', `${skeleton}.skeleton`), path]);
  return path;
}

/** A photo as large as a phone's, made by repeating a sample: pixels, as a canvas gives them. */
export function largePhoto(width = 4000, height = 3000): { data: Uint8Array; width: number; height: number } {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      data[i++] = (x * 255) / width;
      data[i++] = (y * 255) / height;
      data[i++] = (x ^ y) & 255;
    }
  }
  return { data, width, height };
}

/** The same pixels as a file that image libraries read: a binary PPM. */
export function ppm(pixels: { data: Uint8Array; width: number; height: number }): Buffer {
  return Buffer.concat([Buffer.from(`P6\n${String(pixels.width)} ${String(pixels.height)}\n255\n`), pixels.data]);
}

export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, ...words: string[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof SegmentationError, `a SegmentationError, not ${String(error)}`);
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'SegmentationError');
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `'${word}' in: ${error.message}`);
    return true;
  });
}

/** Whether a promise is settled by the time that the event loop has turned once. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await new Promise((done) => setImmediate(done));
  return settled;
}

/** Waits until something holds; fails if it takes half a minute. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'it never came to be');
    await new Promise((done) => setTimeout(done, 5));
  }
}

export function isAbortError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const rssMiB = (): number => process.memoryUsage.rss() / 2 ** 20;

/**
 * Resident memory in MiB once the garbage collector, the finalizers that it schedules and what frees models on other threads
 * have run: when it doesn't change any more.
 */
export async function residentMiB(): Promise<number> {
  let last = rssMiB();
  for (let i = 0, equal = 0; i < 50 && equal < 3; ++i) {
    gc();
    await new Promise((done) => setTimeout(done, 10));
    const now = rssMiB();
    equal = Math.abs(now - last) < 0.5 ? equal + 1 : 0;
    last = now;
  }
  return last;
}

/**
 * What `values` grow by from one to the next: the median of the slopes between any two of them (Theil 1950, Sen 1968), so
 * that single values, measured when something was freed a moment later or earlier, don't count.
 */
export function slope(values: readonly number[]): number {
  const slopes = values.flatMap((from, i) => values.slice(i + 1).map((to, steps) => (to - from) / (steps + 1)));
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}
