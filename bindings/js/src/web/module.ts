import { configured } from '../configure.js';
import { messageOf, SegmentationError } from '../errors.js';
import { engineFile } from '../wasm/features.js';
import { isShared } from '../wasm/memory.js';
import { engineUrl } from './files.js';

const REMEDY = "name the place of the package's dist/wasm/ with configure({ wasmUrl })";

function unavailable(url: string, why: string, cause?: unknown): SegmentationError {
  return new SegmentationError('ADDON_UNAVAILABLE', `Silhouette's engine can't be loaded from '${url}': ${why}`, {
    cause,
  });
}

/** Servers answer with a page of their own where a file is missing, some with a status that says nothing of it. */
function checkMagic(bytes: ArrayBuffer, url: string): void {
  const head = new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength));
  if (head.length === 4 && new DataView(bytes).getUint32(0) === 0x0061736d) return;
  const start = String.fromCharCode(...new Uint8Array(bytes).subarray(0, 16)).replace(/[^ -~]/g, '.');
  throw unavailable(url, `what the server sends is no WebAssembly (it starts with '${start}'); ${REMEDY}`);
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw unavailable(
      url,
      `${messageOf(error)}; check the network, and that the page's Content-Security-Policy allows it (connect-src)`,
      error,
    );
  }
  if (!response.ok) throw unavailable(url, `HTTP status ${String(response.status)}; ${REMEDY}`);
  try {
    // Compiled while it comes, if the server names its type; many don't.
    if (/^application\/wasm\b/i.test(response.headers.get('Content-Type') ?? '')) {
      return await WebAssembly.compileStreaming(response);
    }
    const bytes = await response.arrayBuffer();
    checkMagic(bytes, url);
    return await WebAssembly.compile(bytes);
  } catch (error) {
    if (error instanceof SegmentationError) throw error;
    const allowed = "this browser can't compile it, or the Content-Security-Policy lacks script-src 'wasm-unsafe-eval'";
    throw unavailable(url, `${messageOf(error)}; ${allowed}`, error);
  }
}

async function compileBinary(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw unavailable('configure({ wasmBinary })', messageOf(error), error);
  }
}

/** What was compiled of what: a module is compiled once, and posted to workers. */
const compiled = new Map<unknown, Promise<WebAssembly.Module>>();

function once(key: unknown, compile: () => Promise<WebAssembly.Module>): Promise<WebAssembly.Module> {
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const module = compile();
  compiled.set(key, module);
  module.catch(() => compiled.delete(key));
  return module;
}

/** The one build that was configured, if there is one. */
function chosen(): Promise<WebAssembly.Module> | undefined {
  const { wasmBinary, wasmUrl } = configured();
  if (wasmBinary instanceof Uint8Array) return once(wasmBinary, () => compileBinary(wasmBinary));
  if (wasmBinary !== undefined) return Promise.resolve(wasmBinary);
  if (wasmUrl === undefined || wasmUrl.endsWith('/')) return undefined;
  const url = engineUrl('');
  return once(url, () => fetchModule(url));
}

/** The engine, compiled. `threads`: with shared memory, if the build that was configured has that. */
export async function compileEngine(threads: boolean): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === 'undefined') {
    throw new SegmentationError('ADDON_UNAVAILABLE', 'there is no WebAssembly here; use a browser of 2023 or later');
  }
  const given = await chosen();
  if (given !== undefined) {
    if (isShared(given) && !threads) {
      throw new SegmentationError(
        'ADDON_UNAVAILABLE',
        'the engine that was configured is one with threads, for which this page lacks shared memory: send the headers ' +
          'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or configure one without',
      );
    }
    return given;
  }
  const url = engineUrl(engineFile(threads));
  return once(url, () => fetchModule(url));
}
