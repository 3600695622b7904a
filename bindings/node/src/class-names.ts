import { describeValue, invalidArgument } from './errors.js';

/**
 * The names by which a model's classes are told apart: their labels; where several have the same one, all but the first with
 * their number, as in `window (8)`.
 */
export function distinctNames(labels: readonly string[]): string[] {
  const taken = new Set(labels);
  const seen = new Set<string>();
  return labels.map((label, channel) => {
    let name = label;
    if (seen.has(label)) {
      do name = `${name} (${String(channel)})`;
      while (taken.has(name));
      taken.add(name);
    }
    seen.add(label);
    return name;
  });
}

/** Finds classes by what people call them. */
export class ClassNames {
  readonly #labels: readonly string[];
  /** By channel, all different. */
  readonly names: readonly string[];

  constructor(labels: readonly string[]) {
    this.#labels = labels;
    this.names = distinctNames(labels);
  }

  /** Numbers of the classes of that name, in any case unless there are several that differ by it only. */
  #find(name: string): number[] {
    const matches = (same: (candidate: string) => boolean): number[] =>
      this.#labels.flatMap((label, i) => (same(label) || same(this.names[i] as string) ? [i] : []));
    const exact = matches((candidate) => candidate === name);
    if (exact.length > 0) return exact;
    const upper = name.toUpperCase();
    return matches((candidate) => candidate.toUpperCase() === upper);
  }

  /**
   * What the backend calls a class: its number if it is one of the model's. What isn't is left to the backend, which says so
   * and lists those that there are. A name that several classes have is refused.
   */
  resolve(label: string | number): string | number {
    if (typeof label === 'number') return label;
    const [first, ...more] = this.#find(label);
    if (more.length > 0) {
      const numbers = [first, ...more].join(', ');
      throw invalidArgument(
        `several classes of the model are called ${describeValue(label)}: ${numbers}; name the one that is meant by its number`,
      );
    }
    return first ?? (label.toUpperCase() === 'ARGMAX' ? 'ARGMAX' : label);
  }

  /** The key of a class's map: of several classes of that name the first one's. */
  key(label: unknown): string | undefined {
    if (typeof label === 'number') return this.names[label];
    return typeof label === 'string' ? this.names[this.#find(label)[0] ?? -1] : undefined;
  }
}

/**
 * A list of classes as numbers and names, or a refusal of what can't be one; whether the model has them, the library knows.
 */
export function classList(classes: unknown, name: string): (string | number)[] {
  if (!Array.isArray(classes)) throw invalidArgument(`${name} is ${describeValue(classes)}; give an array of classes`);
  return Array.from(classes as unknown[], (item) => classOf(item, name));
}

/** The same for one class. */
export function classOf(item: unknown, name: string): string | number {
  if (typeof item === 'string') return item;
  if (typeof item === 'number' && Number.isInteger(item) && Math.abs(item) < 2 ** 31) return item;
  throw invalidArgument(`${name} has ${describeValue(item)} in it; name classes by label or number`);
}
