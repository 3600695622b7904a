// Called by `./dev browsers [NAME…]`, which packs and unpacks the package: runs the tests, all or those whose names contain a NAME.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { PACKAGE } from './support/paths.mjs';

if (!existsSync(PACKAGE)) throw new Error(`${PACKAGE} is missing; run ./dev browsers`);
const folder = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => join(folder, name));
if (files.length === 0) throw new Error(`no test's name contains ${wanted.join(' or ')}`);
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', '--test-concurrency=2', '--test-timeout=240000', ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
