import { configured } from '../configure.js';
import { messageOf, SegmentationError } from '../errors.js';
import type { Movable, WorkerEvents, WorkerHandle } from '../wasm/platform.js';
import { serve } from '../wasm/worker-host.js';
import { absoluteUrl } from './files.js';
import { createScope } from './scope.js';

/** The one expression that bundlers know a worker by. */
function packageWorker(): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'silhouette' });
}

function unavailable(why: string, cause?: unknown): SegmentationError {
  return new SegmentationError(
    'ADDON_UNAVAILABLE',
    `Silhouette's worker can't be started: ${why}. What helps: name a script of this site that is, or imports, ` +
      "'silhouette-seg/worker' with configure({ workerUrl }), where a bundler doesn't find it by itself; let the " +
      "Content-Security-Policy allow it (worker-src 'self'); on a page with Cross-Origin-Embedder-Policy, send that header with " +
      'the script too',
    { cause },
  );
}

function start(): Worker {
  const { workerUrl } = configured();
  try {
    if (workerUrl === undefined) return packageWorker();
    return new Worker(absoluteUrl(workerUrl), { type: 'module', name: 'silhouette' });
  } catch (error) {
    throw error instanceof SegmentationError ? error : unavailable(messageOf(error), error);
  }
}

/** What an error event tells: a script that isn't there gives one without any text. */
function reasonOf(event: Event, heard: boolean): unknown {
  event.preventDefault();
  const { message, filename, lineno } = event as Partial<ErrorEvent>;
  if (heard) return new Error(message === undefined || message === '' ? 'an unknown error' : message);
  const where = filename ? ` (${filename}, line ${String(lineno)})` : '';
  return unavailable(message ? `${message}${where}` : 'its script is missing, blocked or no JavaScript');
}

/** A worker of the platform's. */
function startReal(events: WorkerEvents): WorkerHandle {
  const worker = start();
  let heard = false;
  worker.onmessage = (event) => {
    heard = true;
    events.onMessage(event.data);
  };
  worker.onerror = (event) => {
    events.onFailure(reasonOf(event, heard));
  };
  worker.onmessageerror = () => {
    events.onFailure(new Error('a message that it sent has no room in this page'));
  };
  return {
    post: (message, moved = []) => {
      worker.postMessage(message, moved as Transferable[]);
    },
    hold: (waiting) => {
      // Bun's and Deno's workers keep their process alive.
      const { ref, unref } = worker as { ref?: () => void; unref?: () => void };
      (waiting ? ref : unref)?.call(worker);
    },
    end: () => {
      worker.terminate();
    },
  };
}

/** Where there are no workers, as in a service worker: the engine runs here, and what it does holds up everything else. */
function startHere(events: WorkerEvents): WorkerHandle {
  let ended = false;
  const later = (body: () => void): void => {
    setTimeout(() => {
      if (!ended) body();
    }, 0);
  };
  const answer = serve(
    createScope((message) => {
      later(() => {
        events.onMessage(message);
      });
    }),
  );
  return {
    post: (message: unknown, moved: readonly Movable[] = []) => {
      // What is moved is gone here, as it would be with a worker.
      const sent: unknown = structuredClone(message, { transfer: moved as Transferable[] });
      later(() => {
        answer(sent);
      });
    },
    hold: () => undefined,
    end: () => {
      ended = true;
    },
  };
}

/** Whether workers can be started here. */
export const hasWorkers = (): boolean => typeof Worker === 'function';

export function startWorker(events: WorkerEvents): WorkerHandle {
  return hasWorkers() ? startReal(events) : startHere(events);
}
