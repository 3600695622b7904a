import type { Backend } from './backend.js';
import { invalidArgument, messageOf } from './errors.js';
import { loadAddon, nativeBackend } from './native/backend.js';
import { nodePlatform } from './node/platform.js';
import { createWasmBackend } from './wasm/backend.js';

/** On Node: the addon if there is one for this system, otherwise WebAssembly. `SILHOUETTE_BACKEND` has the last word. */
function choose(): Backend {
  const { SILHOUETTE_BACKEND: wish, SILHOUETTE_ADDON: addon } = process.env;
  if (wish === 'wasm') return createWasmBackend(nodePlatform('in WebAssembly, as $SILHOUETTE_BACKEND says'));
  if (wish && wish !== 'addon') {
    throw invalidArgument(`$SILHOUETTE_BACKEND is '${wish}'; it may be 'addon' or 'wasm', or not be set`);
  }
  if (wish || addon) return nativeBackend;
  try {
    loadAddon();
    return nativeBackend;
  } catch (error) {
    const [first] = messageOf(error).split('\n');
    return createWasmBackend(nodePlatform(`in WebAssembly, since ${first ?? ''}`));
  }
}

let chosen: Backend | undefined;

/** Chosen at the first use, so that importing the package never fails. */
const backend = (): Backend => (chosen ??= choose());

export const defaultBackend: Backend = {
  get version() {
    return backend().version;
  },
  resolveBlobUrl: (url) => backend().resolveBlobUrl(url),
  takesObject: (value) => backend().takesObject?.(value) ?? false,
  registeredModels: () => backend().registeredModels(),
  readableImageFormats: () => backend().readableImageFormats(),
  cachedModels: (directory) => backend().cachedModels(directory),
  fetchModel: (...given) => backend().fetchModel(...given),
  removeModel: (...given) => backend().removeModel(...given),
  pruneCache: (...given) => backend().pruneCache(...given),
  load: (...given) => backend().load(...given),
};
