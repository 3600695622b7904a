import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';

import {
  chelsea,
  packageRoot,
  ppm,
  repository,
  scratchFolder,
  tinyFile,
  onlyWithAddon,
  withoutAddon,
} from './support.js';

const skip = onlyWithAddon('the tarball is made, and tested without its addon, where there is one');
const scratch = scratchFolder();
const project = join(scratch, 'an empty project');
let report: { size: string };

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(command, args, { cwd: project, encoding: 'utf8', env: { ...process.env, ...env } });
}

before(() => {
  if (withoutAddon) return;
  const output = execFileSync(process.execPath, [join(packageRoot, 'scripts', 'pack.mjs'), '--destination', scratch], {
    encoding: 'utf8',
  });
  report = { size: output.trim() };
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }');
  copyFileSync(chelsea, join(project, 'cat.png'));
  const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined);
  // No compiler, no scripts, no network.
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(scratch, tarball)], {
    CC: 'false',
    CXX: 'false',
  });
});

const body = `
  const mapped = () => [...new Set(readFileSync('/proc/self/maps', 'utf8').match(/\\/\\S.*$/gm))];
  const before = mapped();
  await silhouette.ImageSegmentationModule.load(silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const out = await silhouette.ImageSegmentationModule.forward('cat.png', [silhouette.DeeplabLabel.CAT], true);
  const segmenter = await silhouette.Segmenter.load(silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
  const result = await segmenter.segment('cat.png', { classes: ['CAT'], resize: true });
  const png = await result.toOverlayPng();
  if ((await silhouette.remove('cat.png', { background: 'blur' })).length < 1000) throw new Error('no picture');
  const files = mapped().filter((file) => !before.includes(file));
  console.log(JSON.stringify({
    cats: out[silhouette.DeeplabLabel.ARGMAX].filter((label) => label === 8).length,
    same: out[silhouette.DeeplabLabel.ARGMAX].every((label, i) => label === result.argmax[i]),
    png: png.length, files,
  }));`;

function check(output: string): void {
  const { cats, same, png, files } = JSON.parse(output) as {
    cats: number;
    same: boolean;
    png: number;
    files: string[];
  };
  assert.ok(cats > 50_000);
  assert.ok(same);
  assert.ok(png > 1000);
  // What is loaded with the package is the package's own, or the C library's.
  const libraries = files.filter((file) => file.includes('.so'));
  for (const file of libraries) {
    assert.ok(file.startsWith(project) || /\/lib(resolv|nss_\w+|rt|util|dl|pthread)[-.]/.test(file), file);
  }
  assert.ok(libraries.length > 10);
  assert.ok(!files.some((file) => file.startsWith(repository)));
}

test('the tarball works in an ES module', { skip }, (t) => {
  t.diagnostic(report.size);
  const imports = `import { readFileSync } from 'node:fs'; import * as silhouette from 'silhouette-seg';`;
  writeFileSync(join(project, 'program.mjs'), imports + body);
  check(run(process.execPath, ['program.mjs']));
});

test('the tarball works in CommonJS', { skip }, () => {
  const imports = `const { readFileSync } = require('node:fs'); const silhouette = require('silhouette-seg');`;
  writeFileSync(join(project, 'program.cjs'), `${imports}(async () => {${body}})();`);
  check(run(process.execPath, ['program.cjs']));
});

/** An uncompressed grey TIFF of 4 × 4 pixels. */
function tiff(): Buffer {
  const tags = [
    [256, 4], // width
    [257, 4], // height
    [258, 8], // bits
    [259, 1], // not compressed
    [262, 1], // black is 0
    [273, 8], // where the pixels are
    [277, 1], // samples
    [278, 4], // rows in a strip
    [279, 16], // bytes of it
  ];
  const bytes = Buffer.alloc(24 + 2 + tags.length * 12 + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(24, 4);
  bytes.writeUInt16LE(tags.length, 24);
  tags.forEach(([tag, value], i) => {
    const at = 26 + i * 12;
    bytes.writeUInt16LE(tag as number, at);
    bytes.writeUInt16LE(3, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt16LE(value as number, at + 8);
  });
  return bytes;
}

test('the tarball reads the formats that it says, and its messages name no others', { skip }, () => {
  writeFileSync(join(project, 'grey.tif'), tiff());
  writeFileSync(join(project, 'black.ppm'), ppm({ data: new Uint8Array(48), width: 4, height: 4 }));
  const data = join(repository, 'tests', 'data');
  const samples: Record<string, string> = {
    JPEG: join(data, 'images', 'photo.jpg'),
    PNG: join(data, 'images', 'orientation_1.png'),
    WebP: join(data, 'images', 'two_frames.webp'),
    GIF: join(data, 'images', 'two_frames.gif'),
    TIFF: 'grey.tif',
    PPM: 'black.ppm',
    AVIF: join(data, 'images', 'orientation_1.avif'),
    HEIC: join(packageRoot, 'test', 'data', 'sample.heic'),
    'JPEG XL': join(data, 'images', 'orientation_1.jxl'),
  };
  const code = `const { Segmenter, readableImageFormats } = require('silhouette-seg');
    (async () => {
      const segmenter = await Segmenter.load(${JSON.stringify(tinyFile)});
      const outcomes = {};
      for (const [format, file] of Object.entries(${JSON.stringify(samples)})) {
        outcomes[format] = await segmenter.segment(file).then(() => 'read', ({ code, message }) => code + ' ' + message);
      }
      console.log(JSON.stringify({ readable: readableImageFormats(), outcomes }));
    })();`;
  const { readable, outcomes } = JSON.parse(run(process.execPath, ['-e', code])) as {
    readable: string[];
    outcomes: Record<string, string>;
  };
  const named = readable.flatMap((name) => (name === 'HEIF/AVIF' ? ['AVIF', 'HEIC'] : [name]));
  for (const format of ['JPEG', 'PNG', 'WebP', 'GIF', 'TIFF', 'AVIF']) assert.ok(named.includes(format), format);
  const list = `give ${readable.slice(0, -1).join(', ')} or ${readable.at(-1) ?? ''}`;
  for (const [format, outcome] of Object.entries(outcomes)) {
    if (named.includes(format)) assert.equal(outcome, 'read', format);
    else assert.ok(outcome.startsWith('UNSUPPORTED_IMAGE') && outcome.endsWith(list), `${format}: ${outcome}`);
  }
  // What README says of the tarball.
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8').replace(/\s+/g, ' ');
  assert.ok(
    readme.includes(`The package reads ${readable.slice(0, -1).join(', ')} and ${readable.at(-1) ?? ''};`),
    list,
  );
});

test('the tarball without its addon, as on other systems', { skip }, () => {
  const other = join(scratch, 'another system');
  const installed = join(other, 'node_modules', 'silhouette-seg');
  cpSync(join(project, 'node_modules', 'silhouette-seg'), installed, { recursive: true });
  rmSync(join(installed, 'prebuilds'), { recursive: true });
  symlinkSync(join(packageRoot, 'node_modules', 'sharp'), join(other, 'node_modules', 'sharp'));
  copyFileSync(chelsea, join(other, 'cat.png'));
  const code = `import * as silhouette from 'silhouette-seg';
    const segmenter = await silhouette.Segmenter.load(silhouette.DEEPLAB_V3_MOBILENET_V2_EMBEDDED);
    const { argmax } = await segmenter.segment('cat.png', { resize: true });
    const { length } = await silhouette.remove('cat.png');
    const cats = argmax.filter((label) => label === 8).length;
    console.log(JSON.stringify({ reason: segmenter.description.engineReason, cats, length }));`;
  writeFileSync(join(other, 'program.mjs'), code);
  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
    cwd: other,
    encoding: 'utf8',
    env: { ...process.env, SILHOUETTE_ADDON: '' },
  });
  assert.equal(stderr, '');
  const { reason, cats, length } = JSON.parse(stdout) as { reason: string; cats: number; length: number };
  assert.match(reason, /in WebAssembly, since Silhouette has no addon for /);
  assert.ok(cats > 50_000 && length > 1000, stdout);
});

test('both ways have the same things, once', { skip }, () => {
  const code = `
    import * as esm from 'silhouette-seg'; import { createRequire } from 'node:module';
    const cjs = createRequire(import.meta.url)('silhouette-seg');
    const names = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports').sort();
    if (JSON.stringify(names(esm)) !== JSON.stringify(names(cjs))) throw new Error(names(esm) + ' / ' + names(cjs));
    for (const name of names(cjs)) if (esm[name] !== cjs[name]) throw new Error(name);`;
  writeFileSync(join(project, 'both.mjs'), code);
  run(process.execPath, ['both.mjs']);
});

test('silhouette-seg/react without React says so; nothing else needs it', { skip }, () => {
  const { status, stderr } = spawnSync(process.execPath, ['-e', `require('silhouette-seg/react')`], {
    cwd: project,
    encoding: 'utf8',
  });
  assert.notEqual(status, 0);
  assert.match(stderr, /'react'/);
});

test('the package has no scripts that run at installation and names no host', { skip }, () => {
  const installed = join(project, 'node_modules', 'silhouette-seg');
  const { scripts, dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
    dependencies?: unknown;
  };
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts[name], undefined);
  assert.equal(dependencies, undefined);
  assert.ok(existsSync(join(installed, 'LICENSE')));
  const lock = readFileSync(join(packageRoot, 'package-lock.json'), 'utf8');
  assert.doesNotMatch(lock, /"resolved"/);
});

test('a missing addon is named, with what to do', { skip }, () => {
  const failing = (env: NodeJS.ProcessEnv, code = `require('silhouette-seg').version()`): string => {
    const result = spawnSync(process.execPath, ['-e', code], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    assert.notEqual(result.status, 0);
    return result.stderr;
  };
  assert.match(failing({ SILHOUETTE_ADDON: '/no/such.node' }), /no addon for .*\/no\/such\.node.*\.\/dev js/s);
  const broken = join(project, 'broken.node');
  writeFileSync(broken, 'not a library');
  assert.match(failing({ SILHOUETTE_ADDON: broken }), /can't be loaded: .*broken\.node.*install the package again/s);
  const promise = `require('silhouette-seg').Segmenter.load('x').catch((error) => { console.error('rejects:', error.message); process.exit(1); })`;
  assert.match(failing({ SILHOUETTE_ADDON: '/no/such.node' }, promise), /rejects: .*no addon/);
});
