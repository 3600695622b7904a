import type { Box, Polygon, Rle } from './backend.js';

/** A class's run lengths; as JSON they are what COCO's tools read. */
export class RunLengths implements Rle {
  readonly size: Rle['size'];
  readonly counts: Rle['counts'];
  readonly compressed: string;
  readonly area: number;
  readonly box: Box;

  constructor({ size, counts, compressed, area, box }: Omit<Rle, 'toJSON'>) {
    this.size = size;
    this.counts = counts;
    this.compressed = compressed;
    this.area = area;
    this.box = box;
  }

  toJSON(): ReturnType<Rle['toJSON']> {
    return { size: this.size, counts: this.compressed };
  }
}

/** An outline and its holes; as JSON, points are lists of numbers. */
export class Outline implements Polygon {
  readonly outer: Polygon['outer'];
  readonly holes: Polygon['holes'];
  readonly area: number;
  readonly box: Box;

  constructor({ outer, holes, area, box }: Omit<Polygon, 'toJSON'>) {
    this.outer = outer;
    this.holes = holes;
    this.area = area;
    this.box = box;
  }

  toJSON(): ReturnType<Polygon['toJSON']> {
    const { area, box } = this;
    return { outer: [...this.outer], holes: this.holes.map((hole) => [...hole]), area, box };
  }
}
