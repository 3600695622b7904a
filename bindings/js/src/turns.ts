/** Resolves when the event loop has turned once, so that long work lets other events in. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    const { setImmediate: soon } = globalThis as { setImmediate?: (next: () => void) => void };
    if (soon !== undefined) {
      soon(resolve);
      return;
    }
    // Browsers make timers wait longer than messages.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
