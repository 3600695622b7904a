import { describeValue, invalidArgument } from './errors.js';

/** Finds classes by what people call them. A model's labels are all different. */
export class ClassNames {
  /** By channel. */
  readonly labels: readonly string[];

  constructor(labels: readonly string[]) {
    this.labels = labels;
  }

  /** Numbers of the classes of that name, in any case unless one has it as it is. */
  #find(name: string): number[] {
    const exact = this.labels.indexOf(name);
    if (exact >= 0) return [exact];
    const upper = name.toUpperCase();
    return this.labels.flatMap((label, i) => (label.toUpperCase() === upper ? [i] : []));
  }

  /**
   * What the backend calls a class: its number if it is one of the model's. What isn't is left to the backend, which says so
   * and lists those that there are. A name that several classes have in some case is refused.
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

  /** The key of a class's map: its label. */
  key(label: unknown): string | undefined {
    if (typeof label === 'number') return this.labels[label];
    return typeof label === 'string' ? this.labels[this.#find(label)[0] ?? -1] : undefined;
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
