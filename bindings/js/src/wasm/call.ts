import type { BackendCall } from '../backend.js';
import { onAbort } from '../abort.js';
import { SegmentationError } from '../errors.js';

export const cancelledError = (): SegmentationError => new SegmentationError('CANCELLED', 'the call was cancelled');

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelledError();
}

/** A call of several steps, each of which is to end when the signal aborts. */
export function callOf<T>(body: (signal: AbortSignal) => Promise<T>): BackendCall<T> {
  const controller = new AbortController();
  return {
    settled: body(controller.signal),
    cancel: () => {
      controller.abort();
    },
  };
}

/** The outcome of a step; it is told when the signal aborts, and waited for. */
export async function within<T>(call: BackendCall<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) call.cancel();
  const stopListening = onAbort(signal, call.cancel);
  try {
    return await call.settled;
  } finally {
    stopListening();
  }
}
