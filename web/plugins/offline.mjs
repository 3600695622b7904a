import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What takes long to fetch, and isn't needed to open the page. */
const LATER = /\.(wasm|pte)$|^assets\/(astronaut|bird|chelsea)-[^/]*\.png$/;

/** What lies in public/ and is copied as it is. */
const PUBLIC = [
  'manifest.webmanifest',
  'icons/icon.svg',
  'icons/icon-180.png',
  'icons/icon-192.png',
  'icons/icon-512.png',
];

/**
 * Tells the service worker, in its last moment, the files of the build. Their names have hashes, but for what is in public/ and
 * index.html, whose contents go into the version.
 *
 * @returns {import('vite').Plugin}
 */
export function offline() {
  let publicFolder = '';
  return {
    name: 'silhouette-offline',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      publicFolder = config.publicDir;
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const worker = Object.values(bundle).find((file) => file.fileName === 'sw.js');
        if (worker?.type !== 'chunk') throw new Error('the build has no service worker');
        const names = Object.keys(bundle).filter((name) => name !== 'sw.js' && !name.endsWith('.map'));
        const hash = createHash('sha256');
        for (const name of names.toSorted()) hash.update(name);
        const html = bundle['index.html'];
        if (html?.type === 'asset') hash.update(html.source);
        for (const name of PUBLIC) hash.update(readFileSync(join(publicFolder, name)));
        const page = {
          version: hash.digest('hex').slice(0, 16),
          page: [...names.filter((name) => !LATER.test(name)), ...PUBLIC],
          rest: names.filter((name) => LATER.test(name)),
        };
        worker.code = `self.__PAGE__=${JSON.stringify(page)};\n${worker.code}`;
      },
    },
  };
}
