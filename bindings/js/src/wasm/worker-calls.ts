import type { BackendCall } from '../backend.js';
import { messageOf, SegmentationError } from '../errors.js';
import { cancelledError } from './call.js';
import { isShared } from './memory.js';
import { closeAll, movablesOf } from './moved.js';
import type { Movable, Platform, WorkerHandle } from './platform.js';
import type { CallName, Calls, FromWorker, ToWorker } from './protocol.js';

interface Pending {
  readonly message: ToWorker;
  readonly moved: readonly Movable[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SegmentationError) => void;
  cancelled: boolean;
}

/**
 * A worker with an engine of its own, and the threads of that engine. Calls are sent one at a time, in the order in which they
 * were made, so that one that waits can be given up, and the running one be stopped.
 */
export class EngineWorker {
  readonly #platform: Platform;
  readonly #worker: WorkerHandle;
  readonly #threads: WorkerHandle[] = [];
  /** Those that aren't one of the engine's yet. */
  readonly #spares: WorkerHandle[] = [];
  readonly #waiting: Pending[] = [];
  #running: Pending | undefined;
  #stop: Int32Array | undefined;
  /** Why there are no more calls. */
  #ended: SegmentationError | undefined;
  #closing = false;
  /** Calls that get ready to be made. */
  #coming = 0;

  private constructor(platform: Platform) {
    this.#platform = platform;
    this.#worker = platform.startWorker({
      onMessage: (message) => {
        this.#hear(message as FromWorker);
      },
      onFailure: (reason) => {
        this.#fail(reason);
      },
    });
  }

  /** Starts a worker with an engine. The engine, the worker's script and those of its threads come at the same time. */
  static async start(platform: Platform, threads: number): Promise<EngineWorker> {
    const most = Math.max(1, Math.min(threads, platform.threads()));
    const compiling = platform.compile(most > 1);
    // It may fail before it is waited for.
    compiling.catch(() => undefined);
    const worker = new EngineWorker(platform);
    try {
      for (let i = 1; i < most; ++i) worker.#spares.push(worker.#startThread());
      const module = await compiling;
      const given = { module, threads: isShared(module) ? most : 1, maxMemoryBytes: platform.maxMemoryBytes() };
      worker.#stop = (await worker.call('start', given).settled).stop;
      // There may be fewer threads than were thought.
      for (const spare of worker.#spares.splice(0)) spare.end();
    } catch (error) {
      worker.end();
      throw error;
    }
    return worker;
  }

  get busy(): boolean {
    return this.#running !== undefined || this.#waiting.length > 0 || this.#coming > 0;
  }

  /** Keeps a worker that is being closed until the function that this gives was called: for a call that gets ready. */
  enter(): () => void {
    this.#coming += 1;
    return () => {
      this.#coming -= 1;
      this.#settle();
    };
  }

  /** Whether it still takes calls. */
  get open(): boolean {
    return this.#ended === undefined && !this.#closing;
  }

  /** What `moved` lists is the worker's: it is gone here once the call's turn has come, or closed if it never comes. */
  call<Name extends CallName>(
    name: Name,
    given: Calls[Name]['arguments'],
    moved: readonly Movable[] = [],
  ): BackendCall<Calls[Name]['value']> {
    if (this.#ended !== undefined) {
      closeAll(moved);
      return { settled: Promise.reject(this.#ended), cancel: () => undefined };
    }
    let pending: Pending | undefined;
    const settled = new Promise<unknown>((resolve, reject) => {
      pending = { message: { call: name, arguments: given }, moved, resolve, reject, cancelled: false };
      this.#waiting.push(pending);
    });
    this.#next();
    return {
      settled: settled as Promise<Calls[Name]['value']>,
      cancel: () => {
        this.#cancel(pending as Pending);
      },
    };
  }

  /** Ends the worker when all calls that were made have ended. */
  close(): void {
    this.#closing = true;
    if (!this.busy) this.end();
  }

  /** Ends it at once; calls fail. */
  end(reason = cancelledError()): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const worker of [this.#worker, ...this.#threads]) worker.end();
    const waiting = this.#waiting.splice(0);
    for (const { moved } of waiting) closeAll(moved);
    const calls = [...(this.#running ? [this.#running] : []), ...waiting];
    this.#running = undefined;
    for (const call of calls) call.reject(call.cancelled ? cancelledError() : reason);
  }

  #cancel(call: Pending): void {
    if (call.cancelled) return;
    call.cancelled = true;
    const at = this.#waiting.indexOf(call);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      closeAll(call.moved);
      call.reject(cancelledError());
      this.#settle();
    } else if (call === this.#running && this.#stop !== undefined) {
      Atomics.store(this.#stop, 0, 1);
    }
  }

  #next(): void {
    if (this.#running !== undefined || this.#ended !== undefined) return;
    const call = this.#waiting.shift();
    if (call === undefined) {
      this.#settle();
      return;
    }
    this.#running = call;
    if (this.#stop !== undefined) Atomics.store(this.#stop, 0, 0);
    this.#worker.hold(true);
    try {
      this.#worker.post(call.message, call.moved);
    } catch (error) {
      // Somebody else took the memory away in the meantime, or there is none for a copy.
      this.#running = undefined;
      closeAll(call.moved);
      const what = `the call's data can't be sent to its worker: ${messageOf(error)}`;
      call.reject(new SegmentationError(error instanceof RangeError ? 'LIMIT_EXCEEDED' : 'INVALID_ARGUMENT', what));
      this.#next();
    }
  }

  #settle(): void {
    if (this.#ended !== undefined || this.#running !== undefined || this.#waiting.length > 0) return;
    this.#worker.hold(false);
    if (this.#closing && this.#coming === 0) this.end();
  }

  #hear(message: FromWorker): void {
    if (this.#ended !== undefined) {
      closeAll(movablesOf(message));
      return;
    }
    if ('thread' in message) {
      (this.#spares.shift() ?? this.#startThread()).post(message);
      return;
    }
    const call = this.#running;
    this.#running = undefined;
    if (call === undefined) return;
    if ('value' in message && !call.cancelled) {
      call.resolve(message.value);
    } else if ('error' in message) {
      const { code, message: text } = message.error;
      call.reject(call.cancelled ? cancelledError() : new SegmentationError(code, text));
      if (message.fatal) {
        this.end(new SegmentationError('INTERNAL', `${text}; load the model again`));
        return;
      }
    } else {
      closeAll(movablesOf(message));
      call.reject(cancelledError());
    }
    this.#next();
  }

  #startThread(): WorkerHandle {
    const thread = this.#platform.startWorker({
      onMessage: () => undefined,
      onFailure: (reason) => {
        this.#fail(reason);
      },
    });
    this.#threads.push(thread);
    thread.hold(false);
    return thread;
  }

  #fail(reason: unknown): void {
    if (reason instanceof SegmentationError) this.end(reason);
    else this.end(new SegmentationError('INTERNAL', `a worker of the engine ended: ${messageOf(reason)}`));
  }
}
