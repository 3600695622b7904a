import { useState, type CSSProperties, type ReactNode } from 'react';

import portrait from '../assets/portrait.webp';
import cutout from '../assets/portrait-cutout.webp';
import { SAMPLES, type Sample } from '../lib/samples.js';
import { CompareSlider } from './compare-slider.js';
import { FileButton } from './file-button.js';
import { CameraIcon, PhotoIcon } from './icons.js';

interface HomeProps {
  readonly onFiles: (files: File[]) => void;
  readonly onSample: (sample: Sample) => void;
  readonly onCamera: () => void;
}

export function Home({ onFiles, onSample, onCamera }: HomeProps): ReactNode {
  return (
    <div className="home">
      <section className="home-words">
        <h1>Every pixel, told apart.</h1>
        <p className="lead">
          Give Silhouette a photo and it draws the line around whatever is in it: people, cats, bicycles, sofas. It runs
          in this page, on this device. No photo is ever sent anywhere.
        </p>
        <div className="home-actions">
          <FileButton className="primary" accept="image/*" label="Photo" onFiles={onFiles}>
            <PhotoIcon />
            Choose a photo
          </FileButton>
          <button type="button" className="secondary" onClick={onCamera}>
            <CameraIcon />
            Use the camera
          </button>
        </div>
        <p className="hint">…or drop one anywhere on this page, or paste it.</p>
        <Samples onSample={onSample} />
      </section>
      <Portrait />
    </div>
  );
}

function Samples({ onSample }: { onSample: (sample: Sample) => void }): ReactNode {
  return (
    <section className="samples" aria-labelledby="samples-title">
      <h2 id="samples-title">No photo at hand? Take one of these</h2>
      <ul>
        {SAMPLES.map((sample) => (
          <li key={sample.name}>
            <button
              type="button"
              onClick={() => {
                onSample(sample);
              }}
            >
              <img src={sample.small} alt="" width="120" height="88" />
              <span>{sample.title}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The name, shown: a portrait in an oval that becomes a silhouette where the slider stands. */
function Portrait(): ReactNode {
  const [split, setSplit] = useState(50);
  return (
    <div className="portrait" style={{ '--split': `${String(split)}%` } as CSSProperties}>
      <div className="portrait-oval">
        <img src={portrait} alt="An astronaut in an orange suit" />
        <div className="portrait-cut">
          <img src={cutout} alt="" />
        </div>
      </div>
      <CompareSlider label="Photo or silhouette" value={split} onChange={setSplit} />
    </div>
  );
}
