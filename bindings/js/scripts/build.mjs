// Compiles the package twice: dist/cjs is CommonJS for Node, with an ESM face; dist/esm is for browsers, Deno and Bun. A module
// that only these have, `name.web.ts`, takes the place of `name.ts` there.
import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import './registry.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
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
