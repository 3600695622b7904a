/*
 * How values travel between JavaScript and the engine: one after the other, 32 bits each, little-endian; numbers that may be no
 * integers as 64 bits, texts and lists as their number of bytes or items and then those, filled up to 32 bits.
 * bindings/wasm/wire.hpp is the other side.
 */

const WORD = 4;
const REAL = 8;

/** A message to the engine. */
export class Writer {
  #view = new DataView(new ArrayBuffer(256));
  #size = 0;

  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#size);
  }

  #room(bytes: number): number {
    const at = this.#size;
    this.#size += Math.ceil(bytes / WORD) * WORD;
    if (this.#size > this.#view.byteLength) {
      const larger = new Uint8Array(Math.max(2 * this.#view.byteLength, this.#size));
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  integer(value: number): this {
    const at = this.#room(WORD);
    this.#view.setInt32(at, value, true);
    return this;
  }

  real(value: number): this {
    const at = this.#room(REAL);
    this.#view.setFloat64(at, value, true);
    return this;
  }

  flag(value: boolean): this {
    return this.integer(value ? 1 : 0);
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.integer(bytes.length);
    const at = this.#room(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, at);
    return this;
  }

  texts(values: readonly string[]): this {
    this.integer(values.length);
    for (const value of values) this.text(value);
    return this;
  }

  integers(values: readonly number[]): this {
    this.integer(values.length);
    for (const value of values) this.integer(value);
    return this;
  }
}

/** A place in the engine's memory, and how many items are there. */
export interface Place {
  readonly address: number;
  readonly count: number;
}

/** An answer of the engine's. */
export class Reader {
  readonly #view: DataView<ArrayBuffer>;
  #at = 0;

  /** `bytes`: a copy, with a buffer of its own. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get empty(): boolean {
    return this.#at >= this.#view.byteLength;
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += Math.ceil(bytes / WORD) * WORD;
    return at;
  }

  integer(): number {
    return this.#view.getInt32(this.#take(WORD), true);
  }

  number(): number {
    return this.#view.getUint32(this.#take(WORD), true);
  }

  real(): number {
    return this.#view.getFloat64(this.#take(REAL), true);
  }

  reals(count: number): number[] {
    return Array.from({ length: count }, () => this.real());
  }

  flag(): boolean {
    return this.number() !== 0;
  }

  text(): string {
    const bytes = this.number();
    const at = this.#take(bytes);
    return new TextDecoder().decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, bytes));
  }

  texts(): string[] {
    return Array.from({ length: this.number() }, () => this.text());
  }

  integers(): Int32Array<ArrayBuffer> {
    const count = this.number();
    const at = this.#view.byteOffset + this.#take(count * WORD);
    return new Int32Array(this.#view.buffer.slice(at, at + count * WORD));
  }

  place(): Place {
    return { address: this.number(), count: this.number() };
  }
}
