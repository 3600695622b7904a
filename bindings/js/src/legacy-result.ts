import { DeeplabLabel } from './labels.js';
import type { Segmentation } from './segmentation.js';
import { nextTurn } from './turns.js';

/** Maps by the number of their label: the class map under `ARGMAX`, and a probability map for each class of interest. */
export type SegmentationMaps<Label extends DeeplabLabel = DeeplabLabel> = {
  [DeeplabLabel.ARGMAX]: number[];
} & (DeeplabLabel extends Label ? Partial<Record<DeeplabLabel, number[]>> : Record<Label, number[]>);

/** Values that are copied before the event loop gets its turn: less than a millisecond's work. */
const VALUES_AT_A_TIME = 1 << 17;
/** V8 makes longer arrays of a given length as hash tables. */
const LONGEST_RESERVED = 1 << 25;

// V8 remembers for each place in a program what kind of numbers the arrays made there got, and makes them for these: one
// place for whole numbers and one for fractions, or else every array of fractions is made anew at its first.
const reserveWhole = (length: number): number[] => new Array<number>(length);
const reserveFractions = (length: number): number[] => new Array<number>(length);

/** A real array of the same numbers, made bit by bit so that other events are not held up. */
async function toNumbers(map: Int32Array | Float32Array, reserve: (length: number) => number[]): Promise<number[]> {
  // Reserved whole, or else growing would copy it again and again, in one go each time.
  const numbers = map.length <= LONGEST_RESERVED ? reserve(map.length) : [];
  for (let from = 0; from < map.length; from += VALUES_AT_A_TIME) {
    const to = Math.min(from + VALUES_AT_A_TIME, map.length);
    for (let i = from; i < to; ++i) numbers[i] = map[i] as number;
    if (to < map.length) await nextTurn();
  }
  return numbers;
}

/** A result in the shape of react-native-executorch's. */
export async function toMaps(result: Segmentation): Promise<SegmentationMaps> {
  const maps: Record<number, number[]> = {};
  const probabilities = [...result.probabilities.values()];
  for (const [i, map] of probabilities.entries())
    maps[result.classes[i] as number] = await toNumbers(map, reserveFractions);
  maps[DeeplabLabel.ARGMAX] = await toNumbers(result.argmax, reserveWhole);
  return maps as SegmentationMaps;
}
