// A static server for pages in tests, on loopback only: headers of cross-origin isolation and of a content policy as told,
// and for single paths the faults that networks have.
import { createReadStream, realpathSync, statSync } from 'node:fs';
import http from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
};

export const STRICT_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; connect-src 'self'; object-src 'none'; base-uri 'none'";

/** The file that a URL's path means, or undefined. Links may lead out of a folder, dots may not. */
function fileFor(mounts, path) {
  for (const [prefix, folder] of mounts) {
    if (!path.startsWith(prefix)) continue;
    const root = realpathSync(folder);
    let file = join(root, path.slice(prefix.length));
    if (file !== root && !file.startsWith(root + sep)) return undefined;
    let found = statSync(file, { throwIfNoEntry: false });
    if (found?.isDirectory()) {
      file = join(file, 'index.html');
      found = statSync(file, { throwIfNoEntry: false });
    }
    if (found?.isFile())
      return { file, size: found.size, tag: `"${found.size.toString(16)}-${found.mtimeMs.toString(16)}"` };
  }
  return undefined;
}

/** First and last byte of a Range header for a file of that size; undefined: the whole file. */
function rangeOf(header, size) {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined) return undefined;
  return { from: Number(from), to: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

/**
 * `mounts` is a list of [prefix, folder], the first that has a file wins. `isolated`: with COOP and COEP. `policy`: a
 * Content-Security-Policy; `cacheControl`: without it, browsers ask every time; `sharing`: the Cross-Origin-Resource-Policy. `faults` of the result is a map from a path to what is wrong with it:
 *
 * - `status`: an error instead of the file; `type`: another MIME type; `noRange`: ranges are ignored;
 * - `cutAfter`: the connection breaks after so many bytes of the body, and the promise `until`: what a page hasn't read then is lost;
 * - `holdAfter`: after so many bytes the rest waits for the promise `until`;
 * - `times`: how many requests the fault lasts; without it, all.
 */
export async function startServer({
  mounts,
  isolated = true,
  policy,
  cacheControl = 'no-cache',
  sharing = 'same-origin',
}) {
  const faults = new Map();
  const requests = [];

  async function answer(request, response) {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    requests.push({ method: request.method, path, range: request.headers.range, ifRange: request.headers['if-range'] });
    let fault = faults.get(path) ?? {};
    if (fault.times !== undefined) {
      if (fault.times > 0) fault.times -= 1;
      else fault = {};
    }
    const headers = { 'Cache-Control': cacheControl, 'Cross-Origin-Resource-Policy': sharing };
    if (isolated) {
      headers['Cross-Origin-Opener-Policy'] = 'same-origin';
      headers['Cross-Origin-Embedder-Policy'] = 'require-corp';
    }
    if (policy !== undefined) headers['Content-Security-Policy'] = policy;
    const found = fileFor(mounts, path);
    if (found === undefined || fault.status !== undefined) {
      response.writeHead(fault.status ?? 404, { ...headers, 'Content-Type': 'text/plain' }).end('not here');
      return;
    }
    headers['Content-Type'] = fault.type ?? TYPES[extname(found.file)] ?? 'application/octet-stream';
    headers.ETag = found.tag;
    if (!fault.noRange) headers['Accept-Ranges'] = 'bytes';
    if (request.headers['if-none-match'] === found.tag) {
      response.writeHead(304, headers).end();
      return;
    }
    const fresh = [undefined, found.tag].includes(request.headers['if-range']);
    const range = fault.noRange || !fresh ? undefined : rangeOf(request.headers.range, found.size);
    if (range !== undefined && range.from > range.to) {
      response.writeHead(416, { ...headers, 'Content-Range': `bytes */${found.size}` }).end();
      return;
    }
    const { from, to } = range ?? { from: 0, to: found.size - 1 };
    headers['Content-Length'] = to - from + 1;
    if (range !== undefined) headers['Content-Range'] = `bytes ${from}-${to}/${found.size}`;
    response.writeHead(range === undefined ? 200 : 206, headers);
    if (request.method === 'HEAD' || found.size === 0) {
      response.end();
      return;
    }
    await sendBody(response, found.file, from, to, fault);
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch((error) => {
      // A page that went away isn't worth a word; anything else is a fault of the test's.
      if (!response.destroyed) response.destroy(error);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    faults,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function sendBody(response, file, from, to, { cutAfter, holdAfter, until }) {
  const first = Math.min(cutAfter ?? holdAfter ?? Infinity, to - from + 1);
  if (first > 0) await pipe(response, file, from, from + first - 1);
  if (cutAfter !== undefined) {
    await until;
    response.destroy();
    return;
  }
  if (holdAfter !== undefined) {
    await until;
    if (from + first <= to) await pipe(response, file, from + first, to);
  }
  response.end();
}

async function pipe(response, file, start, end) {
  for await (const chunk of createReadStream(file, { start, end })) {
    if (response.destroyed) return;
    await new Promise((resolve) => {
      response.write(chunk, resolve);
    });
  }
}
