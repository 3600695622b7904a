import { KNOWN_MODELS } from './models.generated.js';

/** A model known by name. */
export interface KnownModel {
  readonly name: string;
  /** Where it is downloaded from; empty for one that comes with the package. */
  readonly url: string;
  /** The file of one that comes with the package; otherwise empty. */
  readonly file: string;
  /** Per-channel normalisation, for a file that carries none. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly description: string;
}

export { KNOWN_MODELS };

/** The entry of a name, or of the URL that a known model has. */
export function findModel(nameOrUrl: string): KnownModel | undefined {
  return KNOWN_MODELS.find(({ name, url }) => name === nameOrUrl || (url !== '' && url === nameOrUrl));
}
