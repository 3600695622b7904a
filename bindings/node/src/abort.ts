import type { BackendCall } from './backend.js';

/** The reason that a promise rejects with when `signal` aborts: the platform's AbortError unless the caller gave another. */
export function abortReason(signal: AbortSignal): Error {
  // It may be of any type, but errors are what it should be.
  return (signal.reason ?? new DOMException('This operation was aborted', 'AbortError')) as Error;
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}

/**
 * A promise that rejects as soon as `signal` aborts, whatever `promise` is still doing; `onAbort` is called then. The
 * outcome of `promise` is lost in that case, a failure too.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, onAbort: () => void): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      onAbort();
      reject(abortReason(signal));
    };
    if (signal.aborted) {
      abort();
      promise.catch(() => undefined);
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}

/** The outcome of a call, or the signal's reason at once. */
export function abortableCall<T>(call: BackendCall<T>, signal: AbortSignal | undefined): Promise<T> {
  return abortable(call.settled, signal, () => {
    call.cancel();
  });
}
