// Called by `./dev web test [NAME…]`: unpacks the package's tarball and runs the tests, all or those whose names contain a NAME.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { PACKAGE, WORK } from './support/paths.mjs';
import { TARBALL } from './support/projects.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tarball: { type: 'string' } },
});
const folder = fileURLToPath(new URL('.', import.meta.url));

if (values.tarball !== undefined) {
  mkdirSync(WORK, { recursive: true });
  copyFileSync(values.tarball, TARBALL);
  const { mtime } = statSync(values.tarball);
  utimesSync(TARBALL, mtime, mtime);
  rmSync(PACKAGE, { recursive: true, force: true });
  execFileSync('tar', ['-xzf', TARBALL, '-C', WORK]);
} else if (!existsSync(PACKAGE)) {
  throw new Error('which tarball? --tarball FILE, made by ./dev node pack');
}

const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs'))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  .map((name) => join(folder, name));
if (files.length === 0) throw new Error(`no test is called ${positionals.join(', ')}`);
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', '--test-concurrency=2', '--test-timeout=240000', ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
