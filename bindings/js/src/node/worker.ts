/** What a thread of the wasm backend runs: an engine, or one of an engine's threads. */
import { parentPort, type Transferable } from 'node:worker_threads';

import type { EngineImage } from '../wasm/parts.js';
import { serve } from '../wasm/worker-host.js';

const port = parentPort;
if (port !== null) {
  const handle = serve({
    post: (message, moved) => {
      port.postMessage(message, moved as readonly Transferable[]);
    },
    pixels: (image) => image as EngineImage,
  });
  port.on('message', handle);
}
