export { webBackend as defaultBackend } from './web/backend.js';
