'use client';

import { useEffect, useState } from 'react';
import { Segmenter, SELFIE_SEGMENTATION_EMBEDDED } from 'silhouette-seg';

import photo from './astronaut.png';

export default function Page() {
  const [line, setLine] = useState('');
  useEffect(() => {
    const find = async () => {
      const segmenter = await Segmenter.load(SELFIE_SEGMENTATION_EMBEDDED);
      const { width, height, argmax, info } = await segmenter.segment(photo.src, { resize: true });
      const person = argmax.reduce((sum, label) => sum + label, 0);
      setLine(`${person} of ${width * height} pixels are a person's; ${info.engineReason}`);
      window.result = { width, height, argmax };
    };
    void find();
  }, []);
  return (
    <>
      <h1>Next.js</h1>
      <pre id="result">{line}</pre>
    </>
  );
}
