import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { messageOf, SegmentationError } from '../errors.js';
import type { Binding } from './binding.js';

const packageRoot = join(__dirname, '..', '..', '..');
const platform = `${process.platform}-${process.arch}`;

/** Where an addon may be, the first that exists counts: a chosen one, the package's own, that of a build of the sources. */
function candidates(): string[] {
  const chosen = process.env['SILHOUETTE_ADDON'];
  if (chosen) return [chosen];
  return [
    join(packageRoot, 'prebuilds', platform, 'silhouette.node'),
    join(packageRoot, '..', '..', 'build', 'release', 'bindings', 'js', 'silhouette.node'),
  ];
}

function prebuiltPlatforms(): string[] {
  try {
    return readdirSync(join(packageRoot, 'prebuilds'));
  } catch {
    return [];
  }
}

function isMusl(): boolean {
  const report = process.report.getReport() as unknown as { header?: { glibcVersionRuntime?: string } };
  return process.platform === 'linux' && report.header?.glibcVersionRuntime === undefined;
}

function explainMissing(paths: string[]): string {
  const found = prebuiltPlatforms();
  const lines = [`Silhouette has no addon for ${platform}${isMusl() ? ' with musl' : ''} (Node ${process.version}).`];
  lines.push(`Looked for: ${paths.join(', ')}`);
  if (found.length > 0) lines.push(`This package carries: ${found.join(', ')}`);
  lines.push(
    'What helps:',
    '- on a platform that the package carries: install it again, for the same platform and architecture that it runs on',
    '  (a node_modules folder that was copied from another machine does not work);',
    '- elsewhere: build it from the sources with `./dev js`, and set SILHOUETTE_ADDON to the silhouette.node it made.',
  );
  return lines.join('\n');
}

function explainFailure(path: string, error: unknown): string {
  const reason = messageOf(error);
  const lines = [`Silhouette's addon can't be loaded: ${path}`, reason, 'What helps:'];
  const library = /^(\S+): cannot open shared object file/.exec(reason)?.[1];
  const symbol = /version [`'](GLIBC\w*_[\d.]+)' not found/.exec(reason)?.[1];
  if (library !== undefined) {
    lines.push(
      `- the library ${library} is missing: install the package again, or, with an addon built from the sources,`,
      '  what ./dev setup installs.',
    );
  } else if (symbol !== undefined) {
    lines.push(
      `- this system is older than the addon (it lacks ${symbol}): use Debian 12, Ubuntu 22.10, Fedora 37 or newer,`,
      '  or build the addon from the sources on this machine with `./dev js`.',
    );
  } else if (isMusl()) {
    lines.push('- the addon is made for glibc, this system has musl (Alpine): use an image based on Debian.');
  } else if (reason.includes('--no-addons') || (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED') {
    lines.push('- run node without --no-addons.');
  } else {
    lines.push('- install the package again; if that does not help, build the addon from the sources with `./dev js`.');
  }
  return lines.join('\n');
}

/**
 * Loads the addon. An official node has OpenSSL inside and would lend it to our libcurl, which wants its own: deep
 * binding makes libraries look among themselves first. Sanitizers refuse it.
 */
export function loadBinding(): Binding {
  const paths = candidates();
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new SegmentationError('ADDON_UNAVAILABLE', explainMissing(paths));
  const { RTLD_LAZY, RTLD_DEEPBIND } = constants.dlopen as { RTLD_LAZY: number; RTLD_DEEPBIND?: number };
  const sanitized = process.env['LD_PRELOAD']?.includes('san') ?? false;
  const module = { exports: {} };
  try {
    process.dlopen(module, path, RTLD_LAZY | (sanitized ? 0 : (RTLD_DEEPBIND ?? 0)));
  } catch (error) {
    throw new SegmentationError('ADDON_UNAVAILABLE', explainFailure(path, error), { cause: error });
  }
  return module.exports as Binding;
}
