/** The engine's files, and how many threads and how much memory it may have. */
import * as os from 'node:os';
import { join } from 'node:path';

import { messageOf, SegmentationError } from '../errors.js';
import { engineFile } from '../wasm/features.js';
import { readFile } from './files.js';

const MOST_FILE_BYTES = 64 * 1024 * 1024;
const MOST_THREADS = 64;

/** What 32-bit addresses reach, less than half of it left to chance: V8's limit is the same. */
const MOST_MEMORY_BYTES = 2 ** 31;

export const engineFolder = join(__dirname, '..', '..', 'wasm');

const compiled = new Map<string, Promise<WebAssembly.Module>>();

async function compileFile(path: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await readFile(path, MOST_FILE_BYTES));
  } catch (error) {
    throw new SegmentationError(
      'ADDON_UNAVAILABLE',
      `Silhouette's engine in WebAssembly can't be loaded from ${path}: ${messageOf(error)}; install the package again, or, in ` +
        'its sources, run ./dev web',
      { cause: error },
    );
  }
}

/** Compiles an engine, once. */
export function compile(threads: boolean): Promise<WebAssembly.Module> {
  const path = join(process.env['SILHOUETTE_WASM'] ?? engineFolder, engineFile(threads));
  let module = compiled.get(path);
  if (module === undefined) {
    module = compileFile(path);
    compiled.set(path, module);
    module.catch(() => {
      compiled.delete(path);
    });
  }
  return module;
}

/** One for each processor. */
export function threads(): number {
  const { availableParallelism } = os as { availableParallelism?: () => number };
  return Math.max(1, Math.min(availableParallelism?.() ?? os.cpus().length, MOST_THREADS));
}

export const maxMemoryBytes = (): number => MOST_MEMORY_BYTES;
