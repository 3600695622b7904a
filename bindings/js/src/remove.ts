import { signalOf } from './abort.js';
import { optionsOf, reporting, reportingNow } from './errors.js';
import type { ImageInput } from './image-input.js';
import { Limiter } from './limiter.js';
import { SELFIE_SEGMENTATION_EMBEDDED } from './models.js';
import type { ResourceSource } from './resource.js';
import type { CutoutOptions } from './segmentation.js';
import { Segmenter } from './segmenter.js';

export interface RemoveOptions extends CutoutOptions {
  /** Default: `SELFIE_SEGMENTATION_EMBEDDED`, which knows people and stays loaded once it is needed; others are loaded anew. */
  model?: ResourceSource | null;
}

let people: Promise<Segmenter> | undefined;

/** A photo and its maps wait for nobody: with many calls at once, most of them haven't begun. */
const turns = new Limiter(2);

/** The model of most calls, loaded once. */
function forPeople(): Promise<Segmenter> {
  people ??= Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED).catch((error: unknown) => {
    people = undefined;
    throw error;
  });
  return people;
}

/**
 * A photo without its background, at its own size: a PNG, transparent where there is nothing of the subject, or with `background`
 * a picture with something else behind it. For many photos with another model, load a {@link Segmenter} instead.
 */
export async function remove(input: ImageInput, options: RemoveOptions | null = {}): Promise<Uint8Array> {
  const { model, signal, ...cutout } = reportingNow(() => ({ ...optionsOf(options, 'remove') }));
  const ending = { signal: signal ?? null };
  const leave = await reporting(() => turns.enter(signalOf(signal)));
  try {
    const own = model === undefined || model === null ? undefined : await Segmenter.load(model, ending);
    try {
      const segmenter = own ?? (await forPeople());
      const result = await segmenter.segment(input, { resize: true, ...ending });
      return await result.toCutoutPng({ ...cutout, ...ending });
    } finally {
      own?.close();
    }
  } finally {
    leave();
  }
}
