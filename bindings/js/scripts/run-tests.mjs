// Runs the compiled tests, all or those whose names contain one of the arguments. Node 18 takes no globs.
//
//   node scripts/run-tests.mjs [--without-addon] [PART…]
//
// --without-addon: with a copy of the package that has no addon, as on a system for which there is none.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const repository = join(packageRoot, '..', '..');

/** A folder like the repository, with all that tests need but the addon. */
function standIn() {
  const root = join(repository, 'build', 'without-addon');
  const copied = join(root, 'bindings', 'js');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'build', 'release'), { recursive: true });
  mkdirSync(copied, { recursive: true });
  for (const name of ['models', 'tests', 'build/release/tools', 'build/release/cli']) {
    symlinkSync(join(repository, name), join(root, name));
  }
  for (const name of ['package.json', 'package-lock.json', 'README.md', 'dist', 'test-dist', 'web-modules']) {
    cpSync(join(packageRoot, name), join(copied, name), { recursive: true });
  }
  for (const name of ['node_modules', 'test']) symlinkSync(join(packageRoot, name), join(copied, name));
  return copied;
}

const args = process.argv.slice(2);
const without = args.includes('--without-addon');
const wanted = args.filter((part) => part !== '--without-addon');
const folder = join(without ? standIn() : packageRoot, 'test-dist');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => join(folder, name));
const env = { ...process.env, SILHOUETTE_TESTED: without ? 'wasm' : 'addon' };
if (without) delete env.SILHOUETTE_ADDON;
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit', env });
process.exit(status ?? 1);
