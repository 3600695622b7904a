import { messageOf, SegmentationError } from '../errors.js';

/** Of WebAssembly's memory, bytes. */
const PAGE = 65536;
/** As many pages as modules ask for (bindings/wasm/CMakeLists.txt). */
const FIRST_PAGES = 32;
/** 2 GiB, which is as much as modules can use. */
const MOST_PAGES = 32768;
/** Where the system has no room even for the promise of memory, half of it is asked for, but no less than this. */
const LEAST_PAGES = 2048;

/** What a worker needs to be a thread of an engine. */
export interface SharedParts {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly number: number;
  /** The upper end of its stack. */
  readonly stack: number;
  /** Of its thread-local memory, with room to align it. */
  readonly threadLocal: number;
}

/** Whether a module's memory is shared between threads. */
export function isShared(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.exports(module).some(({ name }) => name === '__wasm_init_tls');
}

/** Memory for an engine, of `maxBytes` at most. */
export function memoryOf(module: WebAssembly.Module, maxBytes = MOST_PAGES * PAGE): WebAssembly.Memory {
  const shared = isShared(module);
  let maximum = Math.max(FIRST_PAGES, Math.min(MOST_PAGES, Math.floor(maxBytes / PAGE)));
  for (;;) {
    try {
      return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared });
    } catch (error) {
      // Browsers reserve addresses for all of it at once.
      maximum = Math.floor(maximum / 2);
      if (maximum >= LEAST_PAGES) continue;
      throw new SegmentationError('LIMIT_EXCEEDED', `there is no memory for the engine: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
