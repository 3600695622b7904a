/**
 * Keeps the page, so that it opens without a network after its first visit. Files with a hash in their name never change: what
 * an earlier version has kept is taken over, not fetched again.
 */
declare const self: ServiceWorkerGlobalScope & {
  /** Written in by the build: its files, and a hash of them all. */
  readonly __PAGE__: { readonly version: string; readonly page: readonly string[]; readonly rest: readonly string[] };
};

const { version, page, rest } = self.__PAGE__;
const PREFIX = 'silhouette-page-';
const NAME = PREFIX + version;

async function keep(cache: Cache, path: string): Promise<void> {
  if ((await cache.match(path)) !== undefined) return;
  const hashed = path.startsWith('assets/');
  const kept = hashed ? await caches.match(path) : undefined;
  const response = kept ?? (await fetch(path, hashed ? {} : { cache: 'no-cache' }));
  if (!response.ok) throw new Error(`${path}: ${String(response.status)}`);
  await cache.put(path, response);
}

/** All that it takes to open the page; if any of it is missing, the version isn't taken. */
async function keepPage(): Promise<void> {
  const cache = await caches.open(NAME);
  await Promise.all(page.map((path) => keep(cache, path)));
}

/** Models, WebAssembly and samples: one after the other, each as far as the network and the browser's storage allow. */
async function keepRest(): Promise<void> {
  const cache = await caches.open(NAME);
  for (const path of rest) await keep(cache, path).catch(() => undefined);
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)),
  );
}

/** Isolation from other pages, which threads need, also where a host lets nobody choose its headers. */
function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  // The body is decoded by now, and longer than it was on its way.
  if (headers.has('Content-Encoding')) {
    headers.delete('Content-Encoding');
    headers.delete('Content-Length');
  }
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request.mode === 'navigate' ? 'index.html' : request, { ignoreVary: true });
  if (kept !== undefined) return isolated(kept);
  const response = await fetch(request);
  const path = request.url.slice(self.registration.scope.length);
  if (response.status === 200 && rest.includes(path)) {
    // No room, perhaps: then it is fetched again next time.
    await cache.put(request, response.clone()).catch(() => undefined);
  }
  return isolated(response);
}

self.addEventListener('install', (event) => {
  event.waitUntil(keepPage());
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
  event.waitUntil(keepRest().then(forgetOthers));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope) || request.headers.has('range'))
    return;
  event.respondWith(answer(request));
});

export {};
