// Compiles the package twice: dist/cjs is CommonJS for Node, with an ESM face; dist/esm is for browsers, Deno and Bun. A module
// that only these have, `name.web.ts`, takes the place of `name.ts` there. dist/wasm has the engine in WebAssembly, which
// ./dev web builds, dist/models the models that come with the package.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { embeddedFiles } from './registry.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const repository = join(root, '..', '..');
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');

function compile(project) {
  try {
    execFileSync(process.execPath, [compiler, '-p', join(root, project)], { stdio: 'inherit' });
  } catch {
    process.exit(1);
  }
}

for (const folder of ['cjs', 'esm']) rmSync(join(root, 'dist', folder), { recursive: true, force: true });
compile('tsconfig.json');
compile('tsconfig.web.json');
for (const name of readdirSync(join(root, 'dist', 'esm'), { recursive: true })) {
  const path = join(root, 'dist', 'esm', name);
  if (/\.web\.(js|d\.ts)$/.test(name)) renameSync(path, path.replace(/\.web\.(js|d\.ts)$/, '.$1'));
}
// The nearest package.json tells what a .js file is. dist/esm has none, so that bundlers find `sideEffects` in the package's.
writeFileSync(join(root, 'dist', 'cjs', 'package.json'), '{ "type": "commonjs" }\n');

/** Copies files into a folder of dist, those only that are newer than what is there. */
function copy(from, names, folder) {
  const target = join(root, 'dist', folder);
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(target)) if (!names.includes(name)) rmSync(join(target, name));
  for (const name of names) {
    const [source, copied] = [join(from, name), join(target, name)];
    if (!existsSync(source)) throw new Error(`${source} is missing; run ./dev web`);
    if (existsSync(copied) && statSync(copied).mtimeMs >= statSync(source).mtimeMs) continue;
    copyFileSync(source, copied);
  }
}

const engines = ['', '-relaxed'].flatMap((relaxed) =>
  ['', '-threads'].map((threads) => `silhouette${relaxed}${threads}.wasm`),
);
copy(join(repository, 'build', 'web', 'bindings', 'wasm'), engines, 'wasm');
copy(join(repository, 'models'), embeddedFiles, 'models');
