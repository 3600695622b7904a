import { useCallback, useEffect, useRef, useState } from 'react';

/** Something that was loaded for a component, and is freed when the component goes. */
export interface Loaded<T> {
  /** What was loaded, at the moment of the call: `isReady` waits for the next render. */
  readonly current: () => T | undefined;
  readonly value: T | undefined;
  readonly isReady: boolean;
  /** Why it could not be loaded; null if nothing went wrong. */
  readonly error: unknown;
  readonly progress: number;
}

type Load<T> = (onProgress: (fraction: number) => void, signal: AbortSignal) => Promise<T>;

/** One load and what came of it. */
class Session<T> {
  readonly #abort = new AbortController();
  readonly #free: (value: T) => void;
  value: T | undefined;

  constructor(free: (value: T) => void) {
    this.#free = free;
  }

  get ended(): boolean {
    return this.#abort.signal.aborted;
  }

  async start(load: Load<T>, onProgress: (fraction: number) => void): Promise<void> {
    const value = await load((fraction) => {
      if (!this.ended) onProgress(fraction);
    }, this.#abort.signal);
    if (this.ended) this.#free(value);
    else this.value = value;
  }

  end(): void {
    this.#abort.abort();
    if (this.value !== undefined) this.#free(this.value);
    this.value = undefined;
  }
}

/**
 * Loads for a component what `load` gives, again whenever `key` changes. With `preventLoad` not yet; what is loaded already
 * stays.
 */
export function useLoaded<T>(key: string, preventLoad: boolean, load: Load<T>, free: (value: T) => void): Loaded<T> {
  const [value, setValue] = useState<T | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const [progress, setProgress] = useState(0);
  const session = useRef<Session<T> | null>(null);

  // A literal in the component's body is a new object in every render, but not a new model.
  const newest = useRef({ load, free });
  useEffect(() => {
    newest.current = { load, free };
  });

  useEffect(
    () => () => {
      session.current?.end();
      session.current = null;
      setValue(undefined);
      setError(null);
      setProgress(0);
    },
    [key],
  );

  useEffect(() => {
    if (preventLoad || session.current !== null) return;
    const started = new Session<T>((done) => {
      newest.current.free(done);
    });
    session.current = started;
    started.start(newest.current.load, setProgress).then(
      () => {
        // What is loaded may be a function, which React would call.
        if (!started.ended) setValue(() => started.value);
      },
      (reason: unknown) => {
        if (!started.ended) setError(reason ?? new Error('loading failed'));
      },
    );
  }, [key, preventLoad]);

  const current = useCallback(() => session.current?.value, []);
  return { current, value, isReady: value !== undefined, error, progress };
}
