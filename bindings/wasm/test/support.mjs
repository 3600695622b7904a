// What the tests of the engine need: its four files, threads, models, PyTorch's results.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { inflateSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '../../..');
const built = join(root, 'build/web/bindings/wasm');
const engineUrl = new URL('../../js/web-modules/wasm/engine.js', import.meta.url);

export const { createEngine } = await import(engineUrl);

export const read = (path) => readFileSync(join(root, path));
/** A network of models/skeletons with the weights that `synthesize` gave it. */
export const synthesized = (name) => readFileSync(join(built, `${name}.pte`));

export const builtFile = (variant) => join(built, `silhouette${variant}.wasm`);
export const wasmFile = (variant) => readFileSync(builtFile(variant));
/** Whether this run of Node knows relaxed SIMD (`--experimental-wasm-relaxed-simd`, until it is on by itself). */
export const hasRelaxedSimd = WebAssembly.validate(wasmFile('-relaxed'));
export const variants = ['', '-threads', ...(hasRelaxedSimd ? ['-relaxed', '-relaxed-threads'] : [])];

const modules = new Map();
const workers = new Set();

/** An engine of one of the four files; more threads than one are workers of Node's. */
export async function engineOf(variant, { threads = 1, maxMemoryBytes } = {}) {
  if (!modules.has(variant)) modules.set(variant, await WebAssembly.compile(wasmFile(variant)));
  const startThread = (message) => {
    const worker = new Worker(new URL('./thread.mjs', import.meta.url), {
      workerData: { message, engine: engineUrl.href },
    });
    worker.unref();
    workers.add(worker);
  };
  return createEngine({
    module: modules.get(variant),
    threads,
    ...(threads > 1 && { startThread }),
    ...(maxMemoryBytes && { maxMemoryBytes }),
  });
}

export async function endWorkers() {
  await Promise.all([...workers].map((worker) => worker.terminate()));
  workers.clear();
}

/** Number i of the sequence `seed`, as src/base/hash_random.hpp makes it. */
export function hashRandom(seed, count) {
  const mask = (1n << 64n) - 1n;
  const values = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    let z = (BigInt(seed) + BigInt(i + 1) * 0x9e3779b97f4a7c15n) & mask;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    z ^= z >> 31n;
    values[i] = (Number(z >> 40n) - (1 << 23)) / (1 << 23);
  }
  return values;
}

/** A float32 file of NumPy's. */
export function npy(path) {
  const bytes = read(path);
  const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)[1]
    .split(',')
    .filter((n) => n.trim() !== '')
    .map(Number);
  const start = bytes.byteOffset + 10 + bytes.readUInt16LE(8);
  return {
    shape,
    values: new Float32Array(bytes.buffer.slice(start, bytes.byteOffset + bytes.length)),
  };
}

/** A PNG of 8 or 16 bits a sample, grey or RGB, without interlacing: what the golden results and samples are. */
export function png(path) {
  const bytes = read(path);
  const data = [];
  for (let at = 8; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const depth = bytes[24];
  const channels = { 0: 1, 2: 3 }[bytes[25]];
  const step = (channels * depth) / 8;
  const stride = width * step;
  const raw = inflateSync(Buffer.concat(data));
  const rows = new Uint8Array(height * stride);
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; ++x) {
      const at = y * stride + x;
      const a = x >= step ? rows[at - step] : 0;
      const b = y > 0 ? rows[at - stride] : 0;
      const c = x >= step && y > 0 ? rows[at - stride - step] : 0;
      const p = a + b - c;
      const [da, db, dc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const paeth = da <= db && da <= dc ? a : db <= dc ? b : c;
      rows[at] = raw[y * (stride + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth][filter];
    }
  }
  if (depth === 8) return { width, height, channels, data: rows };
  const wide = Uint16Array.from({ length: rows.length / 2 }, (_, i) => (rows[2 * i] << 8) | rows[2 * i + 1]);
  return { width, height, channels, data: wide };
}

/** Share of equal values. */
export function agreement(a, b) {
  let same = 0;
  for (let i = 0; i < b.length; ++i) same += a[i] === b[i] ? 1 : 0;
  return a.length === b.length ? same / b.length : 0;
}

export function worstDifference(a, b) {
  let worst = 0;
  for (let i = 0; i < b.length; ++i) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return worst;
}
