import { describeValue, invalidArgument } from '../errors.js';
import { isObject } from '../kinds.js';
import { DeeplabLabel } from '../labels.js';

/** An enum, or an object like one: names of classes with their numbers. What an enum has for its numbers isn't looked at. */
export type LabelEnum = Readonly<Record<string, number | string>>;

/** The classes of the selfie models of react-native-executorch 0.8 and 0.9: there, the person comes first. */
export enum SelfieSegmentationLabel {
  SELFIE = 0,
  BACKGROUND = 1,
}

/** {@link DeeplabLabel} as of react-native-executorch 0.8: `ARGMAX` is no class any more. */
export type VocLabels = Omit<typeof DeeplabLabel, 'ARGMAX'>;

export const VOC_LABELS = Object.fromEntries(
  Object.entries(DeeplabLabel).filter(([name, number]) => typeof number === 'number' && name !== 'ARGMAX'),
) as unknown as VocLabels & LabelEnum;

/** The names of a label map by their numbers, which must be all from 0 on. */
export function labelsOf(labelMap: unknown): string[] {
  if (!isObject(labelMap)) throw invalidArgument(`labelMap is ${describeValue(labelMap)}; give { NAME: number, … }`);
  const labels: string[] = [];
  // The other half of an enum: numbers with their names.
  const names = Object.entries(labelMap).filter(([name]) => Number.isNaN(Number(name)));
  if (names.length === 0) throw invalidArgument('labelMap has no labels; give { NAME: number, … }');
  for (const [name, number] of names) {
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= names.length) {
      throw invalidArgument(
        `labelMap.${name} is ${describeValue(number)}; ${String(names.length)} labels are numbered 0 to ${String(names.length - 1)}`,
      );
    }
    if (labels[number] !== undefined) {
      throw invalidArgument(`labelMap gives ${labels[number]} and ${name} one number, ${String(number)}`);
    }
    labels[number] = name;
  }
  return labels;
}
