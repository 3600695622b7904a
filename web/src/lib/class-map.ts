/** What the page draws from: the class of every pixel, and where classes meet. */
export interface ClassMap {
  readonly width: number;
  readonly height: number;
  readonly argmax: Int32Array;
  /** 1 where a pixel's right or lower neighbour is of another class, and on that neighbour. */
  readonly edges: Uint8Array;
}

/** A class that is in the picture. */
export interface FoundClass {
  readonly channel: number;
  readonly pixels: number;
  /** Of the picture, 0 … 1. */
  readonly share: number;
}

function findEdges(argmax: Int32Array, width: number, height: number): Uint8Array {
  const edges = new Uint8Array(argmax.length);
  for (let y = 0, i = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x, ++i) {
      if (x + 1 < width && argmax[i] !== argmax[i + 1]) edges[i] = edges[i + 1] = 1;
      if (y + 1 < height && argmax[i] !== argmax[i + width]) edges[i] = edges[i + width] = 1;
    }
  }
  return edges;
}

export function classMap(argmax: Int32Array, width: number, height: number): ClassMap {
  return { width, height, argmax, edges: findEdges(argmax, width, height) };
}

/** All classes that have a pixel, the largest first, background last. */
export function foundClasses(argmax: Int32Array, channels: number, background: number | undefined): FoundClass[] {
  const pixels = new Float64Array(channels);
  for (const channel of argmax) pixels[channel] = (pixels[channel] ?? 0) + 1;
  return [...pixels]
    .map((number, channel) => ({ channel, pixels: number, share: number / argmax.length }))
    .filter((found) => found.pixels > 0)
    .sort((a, b) => Number(a.channel === background) - Number(b.channel === background) || b.pixels - a.pixels);
}
