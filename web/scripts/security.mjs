/**
 * What the page may do: everything from its own origin, nothing from anywhere else. WebAssembly is compiled; pictures and
 * downloads are made in the page (`blob:`). Pages that are isolated from others (COOP, COEP) may share memory among threads.
 */
const POLICY = {
  'default-src': "'self'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'connect-src': "'self' blob: data:",
  'media-src': "'self' blob:",
  'worker-src': "'self'",
  'object-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
};

function policy(directives) {
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

/** For `<meta http-equiv>`, where hosts don't let one choose headers; frames can't be forbidden there. */
export const META_POLICY = policy(POLICY);

export const HEADERS = {
  'Content-Security-Policy': policy({ ...POLICY, 'frame-ancestors': "'none'" }),
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};
