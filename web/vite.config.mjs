import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

import { offline } from './plugins/offline.mjs';
import { policy } from './plugins/policy.mjs';
import { HEADERS } from './scripts/security.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The development server's page reloads itself by an inline script and a socket. */
const { 'Content-Security-Policy': _policy, ...developmentHeaders } = HEADERS;

export default defineConfig({
  // Any folder of any host will do.
  base: './',
  plugins: [policy(), offline()],
  server: { host: '127.0.0.1', headers: developmentHeaders, fs: { allow: [here('..')] } },
  // It finds its WebAssembly by its own place, which a bundled copy wouldn't know.
  optimizeDeps: { exclude: ['silhouette-seg'] },
  worker: { format: 'es' },
  build: {
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { page: here('index.html'), sw: here('sw/service-worker.ts') },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
});
