// Compiles the package twice: dist/cjs is CommonJS for Node, with an ESM face; dist/esm is for browsers, Deno and Bun. A module
// that only these have, `name.web.ts`, takes the place of `name.ts` there. web-modules/ has the latter as single modules, for
// tests; dist/esm has them in few files, since pages without a bundler would fetch each of them alone, one after the other.
// dist/wasm has the engine in WebAssembly, which ./dev web builds, dist/models the models that come with the package.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

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

const modules = join(root, 'web-modules');
const esm = join(root, 'dist', 'esm');
for (const folder of [join(root, 'dist', 'cjs'), esm, modules]) rmSync(folder, { recursive: true, force: true });
compile('tsconfig.json');
compile('tsconfig.web.json');
for (const name of readdirSync(modules, { recursive: true })) {
  const path = join(modules, name);
  if (/\.web\.(js|d\.ts)$/.test(name)) renameSync(path, path.replace(/\.web\.(js|d\.ts)$/, '.$1'));
}
for (const name of readdirSync(modules, { recursive: true }).filter((entry) => entry.endsWith('.d.ts'))) {
  mkdirSync(dirname(join(esm, name)), { recursive: true });
  copyFileSync(join(modules, name), join(esm, name));
}
// What names the worker, the engine and the models names them as a file of dist/esm/web does: all that is shared lies there.
await build({
  entryPoints: ['index', 'react', 'web/worker'].map((name) => join(modules, `${name}.js`)),
  outdir: esm,
  chunkNames: 'web/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  external: ['react'],
  logLevel: 'warning',
});
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
