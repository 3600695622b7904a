import { configured } from '../configure.js';
import { invalidArgument } from '../errors.js';

/** What relative URLs are relative to: a page's address, or a worker's. */
export function baseUrl(): string | undefined {
  const { document, location } = globalThis as { document?: { baseURI?: string }; location?: { href?: string } };
  return document?.baseURI ?? location?.href;
}

/** The whole of a URL that may be relative. */
export function absoluteUrl(text: string): string {
  try {
    return new URL(text, baseUrl()).href;
  } catch (error) {
    throw invalidArgument(`'${text}' is no URL, and there is no page that it could be relative to; give a whole one`, {
      cause: error,
    });
  }
}

/** Written out one by one: so bundlers see that these files belong to the program, put them somewhere, and say where. */
const ENGINES: Readonly<Record<string, () => URL>> = {
  'silhouette.wasm': () => new URL('../../wasm/silhouette.wasm', import.meta.url),
  'silhouette-relaxed.wasm': () => new URL('../../wasm/silhouette-relaxed.wasm', import.meta.url),
  'silhouette-threads.wasm': () => new URL('../../wasm/silhouette-threads.wasm', import.meta.url),
  'silhouette-relaxed-threads.wasm': () => new URL('../../wasm/silhouette-relaxed-threads.wasm', import.meta.url),
};

const MODELS: Readonly<Record<string, () => URL>> = {
  'deeplab_v3_mobilenet_v2.pte': () => new URL('../../models/deeplab_v3_mobilenet_v2.pte', import.meta.url),
  'selfie_segmentation.pte': () => new URL('../../models/selfie_segmentation.pte', import.meta.url),
  'selfie_segmentation_landscape.pte': () => new URL('../../models/selfie_segmentation_landscape.pte', import.meta.url),
};

/** Where a build of the engine is. */
export function engineUrl(file: string): string {
  const { wasmUrl } = configured();
  if (wasmUrl === undefined) return (ENGINES[file] as () => URL)().href;
  return absoluteUrl(wasmUrl.endsWith('/') ? wasmUrl + file : wasmUrl);
}

/** Where a model is that comes with the package. */
export function modelUrl(file: string): string {
  const { modelsUrl } = configured();
  if (modelsUrl === undefined) return (MODELS[file] as () => URL)().href;
  return absoluteUrl(modelsUrl + file);
}
