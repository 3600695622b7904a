// What is in the engine's files: instructions that not every browser knows, and what they ask of whoever loads them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { builtFile, wasmFile } from './support.mjs';

/** f32x4.relaxed_madd, opcode 0x105 behind the prefix of vectors. */
const RELAXED_MADD = 'fd 85 02';

/** The bytes of a file's relaxed instructions, each kind once. LLVM's disassembler has no names for them. */
function relaxedInstructions(variant) {
  const listing = execFileSync('llvm-objdump-22', ['-d', builtFile(variant)], {
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  assert.match(listing, /\tf32x4\.mul/);
  const odd = listing.split('\n').filter((line) => /<unknown>|relaxed_/.test(line));
  return [...new Set(odd.map((line) => /: ([0-9a-f ]*)/.exec(line)[1].trim()))];
}

for (const threads of ['', '-threads']) {
  test(`silhouette${threads}.wasm has no relaxed instruction`, () => {
    assert.deepEqual(relaxedInstructions(threads), []);
  });

  test(`silhouette-relaxed${threads}.wasm has one, which keeps NaN`, () => {
    assert.deepEqual(relaxedInstructions(`-relaxed${threads}`), [RELAXED_MADD]);
  });
}

for (const variant of ['', '-threads', '-relaxed', '-relaxed-threads']) {
  test(`silhouette${variant}.wasm asks for memory and three functions`, async () => {
    const file = wasmFile(variant);
    if (!WebAssembly.validate(file)) return;
    const imports = WebAssembly.Module.imports(await WebAssembly.compile(file)).map(
      ({ module, name }) => `${module}.${name}`,
    );
    assert.deepEqual(imports.sort(), ['env.memory', 'silhouette.abort', 'silhouette.now', 'silhouette.write_text']);
  });
}
