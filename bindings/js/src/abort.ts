import type { BackendCall } from './backend.js';
import { Aborted, describeValue, invalidArgument } from './errors.js';
import { isAbortSignal } from './kinds.js';

/** A signal that somebody passed, or undefined for none: null is as good as leaving it out. */
export function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (!isAbortSignal(signal)) {
    throw invalidArgument(`signal is ${describeValue(signal)}; give the signal of an AbortController`);
  }
  return signal;
}

/** The reason that a promise rejects with when `signal` aborts: the platform's AbortError unless the caller gave another. */
export function abortReason(signal: AbortSignal): Aborted {
  let reason: unknown;
  try {
    reason = signal.reason;
  } catch {
    // It is somebody else's object.
  }
  return new Aborted(reason ?? new DOMException('This operation was aborted', 'AbortError'));
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}

interface Listening {
  readonly all: Set<{ readonly tell: () => void }>;
  readonly hear: () => void;
}

const signals = new WeakMap<AbortSignal, Listening>();

/**
 * Calls `tell` when `signal` aborts, unless the function that this gives was called before. Any number of calls may wait for
 * one signal, and Node warns of more than ten listeners: it has one of ours, while there is a call.
 */
export function onAbort(signal: AbortSignal | undefined, tell: () => void): () => void {
  if (signal === undefined) return () => undefined;
  let listening = signals.get(signal);
  if (listening === undefined) {
    const all: Listening['all'] = new Set();
    const hear = (): void => {
      signals.delete(signal);
      for (const listener of all) listener.tell();
    };
    listening = { all, hear };
    signal.addEventListener('abort', hear, { once: true });
    signals.set(signal, listening);
  }
  const { all, hear } = listening;
  const listener = { tell };
  all.add(listener);
  return () => {
    if (!all.delete(listener) || all.size > 0 || signals.get(signal)?.all !== all) return;
    signals.delete(signal);
    signal.removeEventListener('abort', hear);
  };
}

/**
 * A promise that rejects as soon as `signal` aborts, whatever `promise` is still doing; `cancel` is called then. The
 * outcome of `promise` is lost in that case, a failure too.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, cancel: () => void): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(abortReason(signal));
    };
    if (signal.aborted) {
      abort();
      promise.catch(() => undefined);
      return;
    }
    const stopListening = onAbort(signal, abort);
    promise.then(resolve, reject).finally(stopListening);
  });
}

/** The outcome of a call, or the signal's reason at once. */
export function abortableCall<T>(call: BackendCall<T>, signal: AbortSignal | undefined): Promise<T> {
  return abortable(call.settled, signal, () => {
    call.cancel();
  });
}
