import { Segmenter, SELFIE_SEGMENTATION_EMBEDDED } from '/package/dist/esm/index.js';

/** How many pixels of a photo are a person's. */
export async function countPerson(options) {
  const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED, options);
  try {
    const { argmax } = await segmenter.segment(await (await fetch('/samples/astronaut.png')).blob());
    return { person: argmax.reduce((sum, label) => sum + label, 0) };
  } finally {
    segmenter.close();
  }
}
