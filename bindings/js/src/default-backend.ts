export { nativeBackend as defaultBackend } from './native/backend.js';
