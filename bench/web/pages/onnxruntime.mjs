import { startWorker } from './common.mjs';

/** onnxruntime-web in a worker: on a page's own thread it waits by spinning. */
export async function makeSide() {
  const ask = await startWorker(new URL('onnxruntime-worker.mjs', import.meta.url));
  return Object.fromEntries(
    ['load', 'logits', 'photo', 'turn'].map((command) => [command, (options) => ask({ command, ...options })]),
  );
}
