import type { Medium } from '../web-modules/web/media.js';

/** A browser's storage, as far as a test needs one. `quota`: bytes of all pieces together. */
export class MemoryMedium implements Medium {
  readonly #pieces = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #quota: number;

  constructor(quota = Infinity) {
    this.#quota = quota;
  }

  keys(): Promise<string[]> {
    return Promise.resolve([...this.#pieces.keys()]);
  }

  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.#pieces.get(key)?.slice());
  }

  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const others = [...this.#pieces].reduce((sum, [other, piece]) => sum + (other === key ? 0 : piece.length), 0);
    if (others + bytes.length > this.#quota) {
      return Promise.reject(new DOMException('The quota has been exceeded.', 'QuotaExceededError'));
    }
    this.#pieces.set(key, bytes.slice());
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#pieces.delete(key);
    return Promise.resolve();
  }
}
