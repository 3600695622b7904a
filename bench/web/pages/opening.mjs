import * as silhouette from '/package/dist/esm/index.js';

import { read } from './common.mjs';

const parameters = new URLSearchParams(location.search);
const side = Number(parameters.get('side'));
try {
  const [segmenter, data] = await Promise.all([
    silhouette.Segmenter.load(silhouette[parameters.get('model')]),
    read(parameters.get('rgb')),
  ]);
  const loadedMs = performance.now();
  const result = await segmenter.segment({ data, width: side, height: side, channels: 3 });
  // performance.now() counts from the navigation's beginning.
  window.times = { loadedMs, resultMs: performance.now(), networkMs: result.info.timings.networkMs };
} catch (error) {
  window.times = { error: String(error.stack ?? error) };
}
