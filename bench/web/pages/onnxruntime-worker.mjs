import * as ort from '/ort/ort.wasm.min.mjs';

import { decide, read, sampled, serve, toPlanes } from './common.mjs';

let session;
let input;

async function run() {
  const results = await session.run({ [session.inputNames[0]]: input });
  return results[session.outputNames[0]];
}

serve({
  async load({ model, threads }) {
    ort.env.wasm.wasmPaths = '/ort/';
    ort.env.wasm.numThreads = threads;
    const bytes = await read(model);
    const began = performance.now();
    session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
    return { loadMs: performance.now() - began, version: ort.env.versions.web };
  },
  async logits({ url, side, channels, kept }) {
    input = new ort.Tensor('float32', await read(url, Float32Array), [1, 3, side, side]);
    const { data } = await run();
    return {
      argmax: decide(data, channels, 0).argmax,
      samples: sampled(data, channels, side, kept),
    };
  },
  async photo({ url, side, mean, std, channels, wanted }) {
    input = new ort.Tensor('float32', toPlanes(await read(url), mean, std), [1, 3, side, side]);
    const began = performance.now();
    const { data } = await run();
    const firstMs = performance.now() - began;
    const { argmax, probability } = decide(data, channels, wanted);
    return { firstMs, argmax, probability };
  },
  async turn({ calls }) {
    const networkMs = [];
    for (let i = 0; i < calls; ++i) {
      const began = performance.now();
      await run();
      networkMs.push(performance.now() - began);
    }
    return { networkMs };
  },
});
