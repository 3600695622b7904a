/** The script of a worker: an engine with a model, or one of such an engine's threads. */
import type { Movable } from '../wasm/platform.js';
import { serve } from '../wasm/worker-host.js';
import { createScope } from './scope.js';

interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, moved: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;

const answer = serve(
  createScope((message: unknown, moved: readonly Movable[]) => {
    scope.postMessage(message, moved as Transferable[]);
  }),
);

scope.onmessage = (event) => {
  answer(event.data);
};
