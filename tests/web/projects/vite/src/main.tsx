import { createRoot } from 'react-dom/client';
import { Segmenter, SELFIE_SEGMENTATION_EMBEDDED, type Segmentation } from 'silhouette-seg';

import photo from './astronaut.png';
import { Person } from './person';

declare global {
  interface Window {
    result?: Pick<Segmentation, 'width' | 'height' | 'argmax'>;
  }
}

const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
const { width, height, argmax, info } = await segmenter.segment(photo, { resize: true });
const person = argmax.reduce((sum, label) => sum + label, 0);
const shown = document.querySelector('#result') as HTMLElement;
shown.textContent = `${person} of ${width * height} pixels are a person's; ${info.engineReason}`;
createRoot(document.querySelector('#hook') as HTMLElement).render(<Person photo={photo} />);
window.result = { width, height, argmax };
