import type { RegisteredModel } from './backend.js';
import { defaultBackend } from './default-backend.js';

/** All models that are known by name, the embedded one first. */
export function registeredModels(): readonly RegisteredModel[] {
  return defaultBackend.registeredModels();
}

/** Version of the native library. */
export function version(): string {
  return defaultBackend.version;
}
