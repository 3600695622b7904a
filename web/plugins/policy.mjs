import { META_POLICY } from '../scripts/security.mjs';

/**
 * Writes the Content-Security-Policy into the built page, for hosts that send no headers of one's own.
 *
 * @returns {import('vite').Plugin}
 */
export function policy() {
  return {
    name: 'silhouette-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: META_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}
