import type { RegisteredModel } from './backend.js';
import { defaultBackend } from './default-backend.js';

/** All models that are known by name, the embedded ones first. */
export function registeredModels(): readonly RegisteredModel[] {
  return defaultBackend.registeredModels();
}

/** Names of the image formats that can be read where this runs: `'JPEG'`, `'PNG'` …. */
export function readableImageFormats(): readonly string[] {
  return defaultBackend.readableImageFormats();
}

/** Version of the native library. */
export function version(): string {
  return defaultBackend.version;
}
