import { describeValue, invalidArgument } from '../errors.js';

const MOST_SHOWN = 32;

function unknown(what: string, labels: readonly string[]) {
  const count = labels.length;
  return invalidArgument(
    `the model has no class ${what}; it has ${String(count)} (0 … ${String(count - 1)}): ` +
      labels.slice(0, MOST_SHOWN).join(', ') +
      (count > MOST_SHOWN ? ', …' : ''),
  );
}

/** The channel of a class; −1 for the class map, which is none. */
export function channelOf(label: string | number, labels: readonly string[]): number {
  if (typeof label === 'string') {
    const found = labels.indexOf(label);
    if (found >= 0) return found;
    if (label === 'ARGMAX') return -1;
    throw unknown(describeValue(label), labels);
  }
  if (label < 0 || label >= labels.length) throw unknown(String(label), labels);
  return label;
}

/** The channels of classes, ascending, each once; the class map isn't among them. */
export function channelsOf(classes: readonly (string | number)[], labels: readonly string[]): number[] {
  const channels = new Set(classes.map((label) => channelOf(label, labels)).filter((channel) => channel >= 0));
  return [...channels].sort((a, b) => a - b);
}

/** The channel of a class that must be one. */
export function oneChannelOf(label: string | number, labels: readonly string[]): number {
  const channel = channelOf(label, labels);
  if (channel < 0) throw invalidArgument('ARGMAX is the class map, no class; name one of the classes');
  return channel;
}
