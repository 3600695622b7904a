/** What the package's `exports` lead to, in every place that reads them, and what the web's build must not know. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

import ts from 'typescript';

import { packageRoot, scratchFolder } from './support.js';

type Conditions = string | { [condition: string]: Conditions };
const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  exports: Record<string, Conditions>;
};

/** The file that an entry leads to under some conditions: the first key that is one of them counts. */
function resolved(entry: string, conditions: readonly string[]): string | undefined {
  const walk = (target: Conditions): string | undefined => {
    if (typeof target === 'string') return target;
    for (const [condition, inner] of Object.entries(target)) {
      if (condition !== 'default' && !conditions.includes(condition)) continue;
      const found = walk(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(manifest.exports[entry] as Conditions);
}

/** Conditions as each place has them, in no order: that of the package counts. */
const PLACES: readonly [place: string, conditions: string[], build: 'cjs' | 'esm'][] = [
  ['Node, import', ['node', 'import', 'module-sync', 'node-addons'], 'cjs'],
  ['Node, require', ['node', 'require', 'module-sync', 'node-addons'], 'cjs'],
  ['Deno', ['deno', 'node', 'import'], 'esm'],
  ['Bun', ['bun', 'node', 'import'], 'esm'],
  ['Vite', ['module', 'browser', 'development', 'import'], 'esm'],
  ['webpack for browsers', ['webpack', 'module', 'browser', 'production', 'import'], 'esm'],
  ['webpack for workers', ['webpack', 'module', 'worker', 'browser', 'import'], 'esm'],
  ['esbuild, Rollup without a platform', ['module', 'import'], 'esm'],
  ['a server that Next.js or Vite makes', ['node', 'import', 'module'], 'cjs'],
];

for (const [place, conditions, build] of PLACES) {
  test(`exports: ${place}`, () => {
    for (const entry of ['.', './react']) {
      const file = resolved(entry, conditions) ?? '';
      assert.ok(file.startsWith(`./dist/${build}/`), `${entry}: ${file}`);
      assert.ok(existsSync(join(packageRoot, file)), file);
      // Types stand first, or compilers never see them.
      const types = resolved(entry, ['types', ...conditions]) ?? '';
      assert.ok(types.startsWith(`./dist/${build}/`) && /\.d\.m?ts$/.test(types), types);
      assert.equal(types.replace(/\.d\.(m?)ts$/, '.$1js'), file);
      assert.ok(existsSync(join(packageRoot, types)), types);
    }
  });
}

/** What a compiler says of a program of a user's, and of this package's declarations. */
function typeCheck(name: string, files: Record<string, string>, options: ts.CompilerOptions): string[] {
  const folder = join(scratchFolder(), name);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  symlinkSync(packageRoot, join(modules, 'silhouette-seg'));
  for (const types of ['node', 'react']) {
    symlinkSync(join(packageRoot, 'node_modules', '@types', types), join(modules, '@types', types));
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const compiled = ts.createProgram({
    rootNames: Object.keys(files).map((file) => join(folder, file)),
    options: {
      strict: true,
      noEmit: true,
      target: ts.ScriptTarget.ES2022,
      typeRoots: [join(modules, '@types')],
      ...options,
    },
  });
  const ours = compiled.getSourceFiles().filter(({ fileName }) => {
    return fileName.startsWith(folder) || fileName.startsWith(join(packageRoot, 'dist'));
  });
  return ours
    .flatMap((file) => [...compiled.getSyntacticDiagnostics(file), ...compiled.getSemanticDiagnostics(file)])
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
}

const program = (exports: string): string => `
  ${exports}
  const wrong: string = Segmenter.load(models.semanticSegmentation.DEEPLAB_V3_RESNET50.DEFAULT.modelPath);
  export const right: Promise<Segmentation> = Segmenter.load('x').then((segmenter) => segmenter.segment('a.png'));
  export type Hook = typeof useImageSegmentation;
  void wrong;`;
const imports = `import { Segmenter, models, type Segmentation } from 'silhouette-seg';
  import type { useImageSegmentation } from 'silhouette-seg/react';`;

/** The one mistake that is in each program is found, and nothing else: types are there and are right. */
function findTheMistake(errors: readonly string[], files: number): void {
  assert.equal(errors.length, files, errors.join('\n'));
  for (const error of errors) assert.match(error, /Type 'Promise<Segmenter>' is not assignable/);
}

const { ModuleKind, ModuleResolutionKind } = ts;
const NODE = { lib: ['lib.es2022.d.ts'], types: ['node'] };
const BROWSER = { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [], module: ModuleKind.ES2022 };

test('types: Node, as ES module and as CommonJS', () => {
  const files = { 'a.mts': program(imports), 'b.cts': program(imports) };
  const options = { ...NODE, module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 };
  findTheMistake(typeCheck('node16', files, options), 2);
});

test('types: Node before `exports`', () => {
  const options = { ...NODE, module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10 };
  findTheMistake(typeCheck('node10', { 'a.ts': program(imports) }, options), 1);
});

test('types: bundlers for browsers', () => {
  const options = { ...BROWSER, moduleResolution: ModuleResolutionKind.Bundler, customConditions: ['browser'] };
  findTheMistake(typeCheck('bundler', { 'a.ts': program(imports) }, options), 1);
});

/** All modules that a module of a build reaches. */
function reached(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const { fileName: name } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
    if (name.startsWith('.')) reached(resolve(dirname(file), name), found);
    else assert.match(name, /^react(\/jsx-runtime)?$/, `${file} imports ${name}`);
  }
  return found;
}

/** The names that a module uses as variables. */
function variablesOf(file: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (ts.isIdentifier(node) && !isMember) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
  ts.forEachChild(source, visit);
  return names;
}

test('nothing that browsers load names what only Node has', () => {
  const esm = join(packageRoot, 'dist', 'esm');
  const files = new Set(['index.js', 'react.js', 'web/worker.js'].flatMap((name) => [...reached(join(esm, name))]));
  // Pages without a bundler wait for each file that is named by another one: few, and none far away.
  assert.ok(files.size >= 4 && files.size <= 8, `${String(files.size)} files`);
  for (const file of files) {
    const names = variablesOf(file);
    for (const name of ['Buffer', 'process', '__dirname', '__filename', 'require', 'global']) {
      assert.ok(!names.has(name), `${file} uses ${name}`);
    }
  }
  assert.ok(
    variablesOf(join(packageRoot, 'dist', 'cjs', 'node', 'threads.js')).has('__dirname'),
    'it must be able to fail',
  );
});
