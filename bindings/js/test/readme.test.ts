import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import ts from 'typescript';

import { astronaut, chelsea, packageRoot } from './support.js';

// Inside of the package, where its own name leads to it.
const folder = join(packageRoot, 'test-dist', 'readme');
const examples = [...readFileSync(join(packageRoot, 'README.md'), 'utf8').matchAll(/```(tsx?)\n(.*?)```/gs)].map(
  ([, language, code], i) => ({ file: join(folder, `example-${String(i + 1)}.${language ?? ''}`), code: code ?? '' }),
);

before(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(chelsea, join(folder, 'chelsea.png'));
  copyFileSync(astronaut, join(folder, 'astronaut.png'));
  // Modules may wait at their top.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const example of examples) {
    writeFileSync(example.file, example.code);
  }
  // That package.json hides the package's name from them.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageRoot, join(folder, 'node_modules', 'silhouette-seg'));
});

test('the examples in README.md compile', () => {
  assert.ok(examples.length >= 5);
  const program = ts.createProgram(
    examples.map((example) => example.file),
    {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      jsx: ts.JsxEmit.ReactJSX,
      types: ['node', 'react'],
      strict: true,
      skipLibCheck: true,
    },
  );
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  assert.equal(ts.formatDiagnostics(diagnostics, ts.createCompilerHost({})), '');
});

for (const example of examples.filter(({ file }) => !file.endsWith('tsx'))) {
  test(`${example.file.slice(folder.length + 1)} in README.md runs`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [example.file.replace(/\.ts$/, '.js')], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(status, 0, stdout + stderr);
    assert.notEqual(stdout, '');
  });
}
