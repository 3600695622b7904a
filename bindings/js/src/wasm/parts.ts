/** 8-bit pixels, rows from the top, sRGB. `stride`: bytes from row to row; without it rows follow each other. */
export interface EngineImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  stride?: number;
}

/** What pictures are made of, when the model may be gone already. */
export interface EngineParts {
  width: number;
  height: number;
  argmax: Int32Array;
  labels: readonly string[];
  /** RGB of the maps' size. */
  image?: Uint8Array;
  /** The probability that a network of one channel gave, at its own size. */
  foreground?: { width: number; height: number; values: Float32Array };
}

/** Pixels that the engine made. */
export interface Picture {
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  data: Uint8Array<ArrayBuffer>;
}
