// Projects that use the package as its users do: installed by npm from the tarball, built by their own tools.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { SAMPLES, WORK } from './paths.mjs';

export const TARBALL = join(WORK, 'silhouette-seg.tgz');
const SOURCES = fileURLToPath(new URL('../projects/', import.meta.url));

const start = promisify(execFile);

async function run(command, args, cwd) {
  try {
    // Tools that count their users would look for servers.
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CI: '1' };
    const { stdout } = await start(command, args, { cwd, env, maxBuffer: 64 * 2 ** 20 });
    return stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} in ${cwd}:\n${error.stdout ?? ''}${error.stderr ?? error.message}`);
  }
}

/**
 * Copies a project to the build folder, installs what it needs and the tarball, and builds it. What npm installed before
 * stays while the lock file is the same. Returns the folder.
 */
export async function buildProject(name, { photo = 'src/astronaut.png' } = {}) {
  const folder = join(WORK, 'projects', name);
  const source = join(SOURCES, name);
  mkdirSync(folder, { recursive: true });
  const lock = join(source, 'package-lock.json');
  const stamp = join(folder, 'node_modules', 'stamp');
  const wanted = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
  cpSync(source, folder, { recursive: true });
  cpSync(join(SAMPLES, 'astronaut.png'), join(folder, photo));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  if (wanted !== '' && (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted)) {
    await run('npm', ['ci', ...quiet], folder);
    writeFileSync(stamp, wanted);
  }
  const installed = join(folder, 'node_modules', 'silhouette-seg');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(TARBALL).mtimeMs) {
    rmSync(installed, { recursive: true, force: true });
    await run('npm', ['install', '--no-save', '--no-package-lock', ...quiet, TARBALL], folder);
  }
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const output = scripts?.build === undefined ? '' : await run('npm', ['run', 'build'], folder);
  return { folder, output };
}
