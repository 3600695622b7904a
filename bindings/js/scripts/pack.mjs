// Makes the package's tarball: what users install with `npm install silhouette-seg-….tgz`, without a compiler.
//
//   node scripts/pack.mjs [--destination FOLDER]
//
// Beside the compiled TypeScript it carries, in prebuilds/<platform>/, the addon and all it links that a system with glibc
// and node needn't have: our library and model as CMake installs them, ExecuTorch, libcurl and what that links from this
// Debian, and libvips from npm's sharp project (one library of 17 MB where Debian's needs a hundred of 97 MB).
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const repository = resolve(packageRoot, '..', '..');
const build = join(repository, 'build', 'release');
const platform = `${process.platform}-${process.arch}`;
const staging = join(build, 'node-package');
const stage = join(staging, 'prebuilds', platform);
const cmake = join(repository, '.deps', 'bin', 'cmake');

// What every system has on which node runs: glibc's, and the compiler's that node itself links.
const ofTheSystem =
  /^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+|util|nsl|anl)\.so\.\d+|linux-vdso\.so\.1)$/;
// All of these are inside of the one libvips.
const ofLibvips = /^lib(vips|gobject-2\.0|glib-2\.0|gio-2\.0)\.so\.\d+$/;
// Its own name, so that a process with sharp has two: what ours may load must not be what sharp may load.
const ourLibvips = 'libvips-42.so';

// Has what our library needs of glib and that libvips lacks; see native/glib_shim.cpp.
const ourShim = 'libglib-shim.so';

function run(command, args, options = {}) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
}

/** Names of the libraries that a file links directly. */
function linkedBy(file) {
  return [...run('readelf', ['-dW', file]).matchAll(/\((?:NEEDED)\).*\[(.+)\]/g)].map((match) => match[1]);
}

/** Where this system's loader finds the libraries of a file, by name. */
function foundFor(file) {
  return new Map([...run('ldd', [file]).matchAll(/^\s*(\S+) => (\/\S+)/gm)].map((match) => [match[1], match[2]]));
}

/**
 * Gives a library other names for itself or for what it links. The names stand in a table of strings, each ended by a zero
 * byte, so that one can be replaced by another that isn't longer.
 */
function rename(file, names) {
  const bytes = readFileSync(file);
  for (const [from, to] of names) {
    if (to.length > from.length) throw new Error(`${to} doesn't fit in the place of ${from}`);
    const at = bytes.indexOf(`\0${from}\0`) + 1;
    if (at === 0 || bytes.indexOf(`\0${from}\0`, at) >= 0) throw new Error(`${from} should be once in ${file}`);
    bytes.fill(0, at, at + from.length);
    bytes.write(to, at, 'latin1');
  }
  writeFileSync(file, bytes);
}

function stageNative() {
  const addon = join(build, 'bindings', 'js', 'silhouette.node');
  if (!existsSync(addon)) throw new Error(`${addon} is missing; run ./dev js build`);
  run(cmake, ['--install', build, '--prefix', stage, '--component', 'node', '--strip']);
  const folder = join(stage, 'lib');
  const library = join(
    folder,
    readdirSync(folder).find((name) => /^libsilhouette\.so\.\d+\.\d+$/.test(name)),
  );
  // npm packs no links.
  const file = realpathSync(library);
  if (file !== library) renameSync(file, library);
  const libraries = join(folder, 'silhouette');
  mkdirSync(libraries, { recursive: true });

  rename(library, [
    ...linkedBy(library)
      .filter((name) => ofLibvips.test(name))
      .map((name) => [name, ourLibvips]),
    ['libgmodule-2.0.so.0', ourShim],
  ]);
  stageLibvips(libraries);
  stageExecutorchLicence();
  stageSystemLibraries(library, libraries);
}

function stageExecutorchLicence() {
  const sdk = join(repository, '.deps', 'sdk');
  const info = readdirSync(sdk).find((name) => /^executorch-.*\.dist-info$/.test(name));
  copyFileSync(join(sdk, info, 'licenses', 'LICENSE'), join(stage, 'licenses', 'executorch.txt'));
}

function stageLibvips(libraries) {
  const bundle = join(packageRoot, 'bundle');
  const name = `@img/sharp-libvips-${platform}`;
  const require = createRequire(join(bundle, 'package.json'));
  let folder;
  try {
    folder = dirname(require.resolve(`${name}/package`));
  } catch {
    run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: bundle });
    folder = dirname(require.resolve(`${name}/package`));
  }
  const file = readdirSync(join(folder, 'lib')).find((entry) => entry.startsWith('libvips-cpp.so.'));
  const target = join(libraries, ourLibvips);
  copyFileSync(join(folder, 'lib', file), target);
  rename(target, [[file, ourLibvips]]);
  mkdirSync(join(stage, 'licenses'), { recursive: true });
  copyFileSync(join(folder, 'README.md'), join(stage, 'licenses', `${ourLibvips}.md`));
}

/** Copies what our library links, and what that links in turn, unless every system has it. */
function stageSystemLibraries(library, libraries) {
  const waiting = [
    library,
    ...readdirSync(libraries)
      .filter((name) => name.includes('.so'))
      .map((name) => join(libraries, name)),
  ];
  while (waiting.length > 0) {
    const file = waiting.pop();
    let found;
    for (const name of linkedBy(file)) {
      if (ofTheSystem.test(name) || name === ourLibvips || existsSync(join(libraries, name))) continue;
      found ??= foundFor(file);
      const path = found.get(name);
      if (path === undefined) throw new Error(`${name}, which ${basename(file)} links, is not on this system`);
      const target = join(libraries, name);
      copyFileSync(realpathSync(path), target);
      stageLicence(realpathSync(path), name);
      waiting.push(target);
    }
  }
}

/** What the Debian package of a library says of its licence goes with it. */
function stageLicence(path, name) {
  // By name: the package's list may say /lib where the system says /usr/lib.
  const owner = run('dpkg-query', ['-S', `*/${basename(path)}`]).split(':')[0];
  const folder = join(stage, 'licenses');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join('/usr/share/doc', owner, 'copyright'), join(folder, `${name}.txt`));
}

/** Names of the functions that a library has or, undefined, wants. */
function symbols(file, which) {
  return [...run('nm', ['-D', which, file]).matchAll(/ [A-Za-z] ((?:g|vips)_\w+)/g)].map((match) => match[1]);
}

/** Every library must find what it needs inside of the package. */
function check() {
  const libraries = join(stage, 'lib', 'silhouette');
  const here = new Set([...readdirSync(libraries), ...readdirSync(join(stage, 'lib'))]);
  for (const file of [
    join(stage, 'silhouette.node'),
    ...[...here]
      .filter((name) => name.includes('.so'))
      .map((name) => {
        const inner = join(libraries, name);
        return existsSync(inner) ? inner : join(stage, 'lib', name);
      }),
  ]) {
    for (const name of linkedBy(file)) {
      if (!here.has(name) && !ofTheSystem.test(name))
        throw new Error(`${basename(file)} links ${name}, which is not packed`);
    }
  }
}

function checkSymbols() {
  const folder = join(stage, 'lib');
  const has = new Set(
    [ourLibvips, ourShim].flatMap((name) => symbols(join(folder, 'silhouette', name), '--defined-only')),
  );
  const ours = readdirSync(folder).find((name) => name.startsWith('libsilhouette'));
  const missing = symbols(join(folder, ours), '--undefined-only').filter((name) => !has.has(name));
  if (missing.length > 0) throw new Error(`the packed libvips lacks ${missing.join(', ')}; see native/glib_shim.cpp`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const destination = process.argv[2] === '--destination' ? resolve(process.argv[3]) : packageRoot;
if (process.platform !== 'linux') throw new Error('packages are made on Linux with glibc');
rmSync(staging, { recursive: true, force: true });
mkdirSync(staging, { recursive: true });
for (const name of ['package.json', 'README.md', 'dist']) {
  cpSync(join(packageRoot, name), join(staging, name), { recursive: true });
}
stageNative();
check();
checkSymbols();
copyFileSync(join(repository, 'LICENSE'), join(staging, 'LICENSE'));
const [{ filename, size, unpackedSize }] = JSON.parse(
  run('npm', ['pack', '--json', '--silent', '--pack-destination', destination], { cwd: staging }),
);
const tarball = join(destination, filename);
console.log(`${tarball}: ${megabytes(size)}, unpacked ${megabytes(unpackedSize)}`);
