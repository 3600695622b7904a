import { configure, Segmenter } from '/package/dist/esm/index.js';

import { read } from './common.mjs';

/** Silhouette by its public API: results come back to the page in full. */
export async function makeSide() {
  let segmenter;
  let image;
  let first = {};

  const call = (options) => segmenter.segment(image, { keepImage: false, ...options });

  return {
    async load({ model, threads, wasm }) {
      if (wasm !== undefined) configure({ wasmUrl: new URL(wasm, location.href).href });
      const bytes = await read(model);
      const began = performance.now();
      segmenter = await Segmenter.load(bytes, { threads });
      return { loadMs: performance.now() - began };
    },
    async photo({ url, side, wanted }) {
      image = { data: await read(url), width: side, height: side, channels: 3 };
      const began = performance.now();
      first = await call({ classes: [wanted] });
      const firstMs = performance.now() - began;
      const { argmax, probabilities } = first;
      return {
        firstMs,
        reason: first.info.engineReason,
        argmax: Uint8Array.from(argmax),
        probability: probabilities.get(wanted),
      };
    },
    async turn({ calls }) {
      const networkMs = [];
      const callMs = [];
      for (let i = 0; i < calls; ++i) {
        const began = performance.now();
        const { info } = await call();
        callMs.push(performance.now() - began);
        networkMs.push(info.timings.networkMs);
      }
      return { networkMs, callMs };
    },
  };
}
