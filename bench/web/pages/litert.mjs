import { loadAndCompile, loadLiteRt, Tensor } from '/litert/core/dist/index.js';

import { read } from './common.mjs';

/** LiteRT.js on the page's thread, as its documentation shows: its loader knows no module workers. */
export async function makeSide() {
  let model;
  let values;
  let shape;

  async function run(take) {
    const input = new Tensor(values, shape);
    const results = await model.run(input);
    const [output] = Array.isArray(results) ? results : Object.values(results);
    const taken = take ? output.toTypedArray().slice() : undefined;
    output.delete();
    input.delete();
    return taken;
  }

  return {
    async load({ model: url, threads }) {
      const bytes = await read(url);
      const began = performance.now();
      await loadLiteRt('/litert/core/wasm/', { threads: threads > 1 });
      model = await loadAndCompile(bytes, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
      return { loadMs: performance.now() - began };
    },
    async photo({ url, side }) {
      values = Float32Array.from(await read(url), (value) => value / 255);
      shape = [1, side, side, 3];
      const began = performance.now();
      const output = await run(true);
      return { firstMs: performance.now() - began, values: output };
    },
    async turn({ calls }) {
      const networkMs = [];
      for (let i = 0; i < calls; ++i) {
        const began = performance.now();
        await run(false);
        networkMs.push(performance.now() - began);
      }
      return { networkMs };
    },
  };
}
