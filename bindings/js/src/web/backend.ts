import { createWasmBackend } from '../wasm/backend.js';
import { webPlatform } from './platform.js';

/** The backend of browsers, Deno and Bun. */
export const webBackend = createWasmBackend(webPlatform);
