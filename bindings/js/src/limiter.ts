import { abortReason, onAbort, throwIfAborted } from './abort.js';

interface Waiter {
  start: () => void;
}

/** Lets a limited number of calls go on at a time; the others wait in order and can give up while they wait. */
export class Limiter {
  readonly #limit: number;
  #running = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a turn. The function that it gives ends the turn and may be called once. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#running < this.#limit) {
      this.#running += 1;
    } else {
      await this.#wait(signal);
    }
    return () => {
      this.#leave();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        start: () => {
          stopListening();
          resolve();
        },
      };
      const stopListening = onAbort(signal, () => {
        this.#waiting.delete(waiter);
        reject(abortReason(signal as AbortSignal));
      });
      this.#waiting.add(waiter);
    });
  }

  #leave(): void {
    const next = this.#waiting.values().next();
    if (next.done) {
      this.#running -= 1;
      return;
    }
    // The turn goes over to the next.
    this.#waiting.delete(next.value);
    next.value.start();
  }
}
