/**
 * Serves the built page on this machine alone: `node scripts/serve.mjs [--port N] [--folder DIR]`. Prints its address once it
 * listens; without a port, the system chooses a free one if the usual one is taken.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { HEADERS } from './security.mjs';

const USUAL_PORT = 8513;

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.pte': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
};

const { values } = parseArgs({ options: { port: { type: 'string' }, folder: { type: 'string' } } });
const folder = values.folder ?? fileURLToPath(new URL('../dist', import.meta.url));

/** The file that a URL means, if it is one of the page's. */
async function find(url) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
  const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
  if (!file.startsWith(folder + sep) || file.includes('\0')) return undefined;
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? { file, size: found.size } : undefined;
}

/** Names in assets/ have a hash of what is in them; all else is asked for again. */
function lifetime(file) {
  return file.startsWith(join(folder, 'assets') + sep) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

const server = createServer(async (request, response) => {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  const found = await find(request.url ?? '/');
  if (found === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('There is nothing at this address.\n');
    return;
  }
  response.writeHead(200, {
    'Content-Type': TYPES[extname(found.file)] ?? 'application/octet-stream',
    'Content-Length': found.size,
    'Cache-Control': lifetime(found.file),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  createReadStream(found.file)
    .on('error', () => response.destroy())
    .pipe(response);
});

function listen(port) {
  server.listen(port, '127.0.0.1', () => {
    console.log(`http://localhost:${server.address().port}/`);
  });
}

server.on('error', (error) => {
  if (error.code === 'EADDRINUSE' && values.port === undefined) {
    listen(0);
    return;
  }
  console.error(`the page can't be served: ${error.message}`);
  process.exitCode = 1;
});
listen(Number(values.port ?? USUAL_PORT));
