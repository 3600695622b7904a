import { join } from 'node:path';
import { Worker, type Transferable } from 'node:worker_threads';

import { messageOf, SegmentationError } from '../errors.js';
import type { WorkerEvents, WorkerHandle } from '../wasm/platform.js';

const script = join(__dirname, 'worker.js');

function explain(reason: unknown): unknown {
  const { code } = reason as { code?: unknown };
  if (code === 'ERR_WORKER_INIT_FAILED' || code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new SegmentationError('LIMIT_EXCEEDED', `the system gives no more threads or memory: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  return reason;
}

/** Starts a thread. It keeps the process alive only while something is waited for. */
export function startWorker({ onMessage, onFailure }: WorkerEvents): WorkerHandle {
  let worker: Worker;
  try {
    // What the program was started with (a loader, a preload) is not for this thread.
    worker = new Worker(script, { execArgv: [], name: 'silhouette' });
  } catch (error) {
    throw explain(error);
  }
  worker.unref();
  let ended = false;
  const fail = (reason: unknown): void => {
    if (ended) return;
    ended = true;
    onFailure(explain(reason));
  };
  worker.on('message', onMessage);
  worker.on('error', fail);
  worker.on('messageerror', fail);
  worker.on('exit', (code) => {
    fail(new Error(`its thread ended with code ${String(code)}`));
  });
  return {
    post: (message, moved = []) => {
      worker.postMessage(message, moved as readonly Transferable[]);
    },
    hold: (waiting) => {
      if (waiting) worker.ref();
      else worker.unref();
    },
    end: () => {
      ended = true;
      void worker.terminate();
    },
  };
}
