import { configure, Segmenter, SELFIE_SEGMENTATION_EMBEDDED } from 'silhouette-seg';

// This bundler takes no files along that a program names by their URL: the build script copies them.
configure({ wasmUrl: 'dist/wasm/', modelsUrl: 'dist/models/' });

const photo = 'src/astronaut.png';

const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
const { width, height, argmax, info } = await segmenter.segment(photo, { resize: true });
const person = argmax.reduce((sum, label) => sum + label, 0);
document.querySelector('#line').textContent =
  `${person} of ${width * height} pixels are a person's; ${info.engineReason}`;
window.result = { width, height, argmax };
