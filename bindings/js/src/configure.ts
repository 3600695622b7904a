import { bytesOf } from './bytes.js';
import { describeValue, invalidArgument, optionsOf, reportingNow } from './errors.js';
import { isObject, isUrl } from './kinds.js';

/** A `WebAssembly.Module`; for Node's types there is none. */
type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } } ? Module : object;

/** Where the parts of the package are, and what they may take. What is left out stays as it was; `null` is the default again. */
export interface Configuration {
  /**
   * The engine: the URL of a folder, with `/` at its end, that has the package's four `dist/wasm/*.wasm`; or of the one of them
   * that is to run. Relative ones are those of the page. Default: where a bundler, or the server of the package's files, has them.
   */
  wasmUrl?: string | URL | null;
  /** The engine itself: the bytes of one of these files, or what was compiled of them. Nothing is fetched then. */
  wasmBinary?: ArrayBuffer | ArrayBufferView | WasmModule | null;
  /** The script of the package's workers (`silhouette-seg/worker`), for bundlers that don't find it; of the page's own site. */
  workerUrl?: string | URL | null;
  /** The URL of the folder, with `/` at its end, of the models that come with the package (`dist/models/`). */
  modelsUrl?: string | URL | null;
  /** Threads that a model may have at most. 1: none beside its worker. Default: one per processor, where memory can be shared. */
  threads?: number | null;
  /** Bytes of memory that a loaded model may have at most. Default: 2 GiB, which is the most that there can be. */
  maxMemoryBytes?: number | null;
}

/** What was configured, checked. */
export interface Configured {
  readonly wasmUrl?: string;
  readonly wasmBinary?: WasmModule | Uint8Array<ArrayBuffer>;
  readonly workerUrl?: string;
  readonly modelsUrl?: string;
  readonly threads?: number;
  readonly maxMemoryBytes?: number;
}

const MOST_THREADS = 256;
const LEAST_MEMORY = 16 * 2 ** 20;
export const MOST_MEMORY = 2 ** 31;

function urlText(value: unknown, name: string): string {
  const text = isUrl(value) ? value.href : value;
  if (typeof text === 'string' && text !== '') return text;
  throw invalidArgument(`configure: ${name} is ${describeValue(value)}; give a URL`);
}

function folderText(value: unknown, name: string): string {
  const text = urlText(value, name);
  if (text.endsWith('/')) return text;
  throw invalidArgument(`configure: ${name} is ${describeValue(text)}; give the URL of a folder, with / at its end`);
}

function count(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = `from ${String(least)} to ${String(most)}`;
  throw invalidArgument(`configure: ${name} is ${describeValue(value)}; it must be a whole number ${range}`);
}

function binary(value: unknown): WebAssembly.Module | Uint8Array<ArrayBuffer> {
  if (isObject(value) && Object.prototype.toString.call(value) === '[object WebAssembly.Module]') {
    return value;
  }
  const bytes = bytesOf(value);
  // A copy: it is used later, perhaps more than once.
  if (bytes !== undefined) return new Uint8Array(bytes);
  throw invalidArgument(
    `configure: wasmBinary is ${describeValue(value)}; give the bytes of a .wasm file of the package, or a WebAssembly.Module`,
  );
}

const CHECKS: { [Name in keyof Configured]-?: (value: unknown) => Required<Configured>[Name] } = {
  wasmUrl: (value) => urlText(value, 'wasmUrl'),
  wasmBinary: binary,
  workerUrl: (value) => urlText(value, 'workerUrl'),
  modelsUrl: (value) => folderText(value, 'modelsUrl'),
  threads: (value) => count(value, 'threads', 1, MOST_THREADS),
  maxMemoryBytes: (value) => count(value, 'maxMemoryBytes', LEAST_MEMORY, MOST_MEMORY),
};

let current: Configured = {};

/** What holds at this moment. */
export function configured(): Configured {
  return current;
}

/**
 * Tells where the parts of the package are, if it can't know, and what they may take. Holds for models that are loaded later. For
 * the engine in WebAssembly; the native addon of Node knows nothing of it.
 */
export function configure(options: Configuration): void {
  reportingNow(() => {
    const given = optionsOf(options, 'configure') as Record<string, unknown>;
    const next: Record<string, unknown> = { ...current };
    for (const [name, value] of Object.entries(given)) {
      if (!(name in CHECKS)) {
        throw invalidArgument(
          `configure has no option ${describeValue(name)}; it has ${Object.keys(CHECKS).join(', ')}`,
        );
      }
      if (value === undefined) continue;
      if (value === null) Reflect.deleteProperty(next, name);
      else next[name] = CHECKS[name as keyof Configured](value);
    }
    current = next;
  });
}
