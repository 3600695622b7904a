/** Which of the builds of the engine can run here. */

/** A function of one relaxed instruction (`i8x16.relaxed_swizzle`): it is valid only where these are known. */
const RELAXED = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x80, 0x02, 0x0b],
);

export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED);
}

/** The file of a build. `threads`: with shared memory. */
export function engineFile(threads: boolean, relaxed = hasRelaxedSimd()): string {
  return `silhouette${relaxed ? '-relaxed' : ''}${threads ? '-threads' : ''}.wasm`;
}
