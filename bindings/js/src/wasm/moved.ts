/** What messages move from one thread to another instead of copying it. */
import { throwIfCancelled } from './call.js';
import type { Movable } from './platform.js';

/** The memory behind typed arrays, however deep in a value, and bitmaps; none twice. */
export function movablesOf(value: unknown, found = new Set<Movable>()): Set<Movable> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof ImageBitmap === 'function' && value instanceof ImageBitmap) {
    found.add(value);
  } else if (Array.isArray(value)) {
    // Lists of numbers may be long, and hold nothing else.
    if (typeof value[0] === 'object') for (const item of value) movablesOf(item, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) movablesOf(item, found);
  }
  return found;
}

/**
 * Closes the bitmaps and frames among values that nobody will look at: the collector doesn't see what they hold, and takes its time.
 * What was sent away meanwhile is somebody else's, and stays.
 */
export function closeAll(values: Iterable<Movable | undefined>): void {
  for (const value of values) {
    if (typeof ImageBitmap === 'function' && value instanceof ImageBitmap) value.close();
    else if (typeof VideoFrame === 'function' && value instanceof VideoFrame) value.close();
  }
}

/** Ends a call that was cancelled, before it sends these away. */
export function closeIfCancelled(signal: AbortSignal, values: Iterable<Movable>): void {
  if (signal.aborted) closeAll(values);
  throwIfCancelled(signal);
}

/**
 * Gives memory back at once. A thread that runs little JavaScript collects its garbage rarely, and what was moved to it is large:
 * as a message that nobody receives it is gone.
 */
export function release(values: Iterable<Movable>): void {
  const held = [...values].filter((value) => value instanceof ArrayBuffer && value.byteLength > 0) as ArrayBuffer[];
  if (held.length === 0) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(undefined, held);
  port1.close();
  port2.close();
}
