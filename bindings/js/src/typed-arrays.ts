type TypedArray = Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** The same memory as an array of this module's globals, so that `instanceof` holds where the program runs. */
export function ours<T extends TypedArray>(
  array: T,
  kind: new (buffer: ArrayBuffer, offset: number, length: number) => T,
): T {
  return array instanceof kind ? array : new kind(array.buffer, array.byteOffset, array.length);
}
