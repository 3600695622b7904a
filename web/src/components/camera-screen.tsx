import { useState, type CSSProperties, type ReactNode } from 'react';

import { useCamera, type Camera } from '../hooks/use-camera.js';
import { useFrames, type FrameRates } from '../hooks/use-frames.js';
import type { Model } from '../hooks/use-model.js';
import { BLUR, type Backdrop } from '../lib/backdrops.js';
import { duration, progress } from '../lib/format.js';
import { photoOf, type Photo } from '../lib/photo.js';
import { problemOf, type Problem } from '../lib/problems.js';
import { BackdropPicker } from './backdrop-picker.js';
import { AlertIcon, PhotoIcon } from './icons.js';

interface CameraScreenProps {
  readonly model: Model;
  readonly onPhoto: (photo: Photo) => void;
  readonly report: (problem: Problem) => void;
}

export function CameraScreen({ model, onPhoto, report }: CameraScreenProps): ReactNode {
  const camera = useCamera();
  const [backdrop, setBackdrop] = useState<Backdrop>({ kind: 'blur', amount: BLUR.usual });
  const [mirror, setMirror] = useState(true);
  const frames = useFrames(camera.stream, model.current?.segmenter, { backdrop, mirror }, report);

  const take = (): void => {
    const canvas = frames.canvas.current;
    if (canvas === null) return;
    photoOf(canvas, 'camera.png').then(onPhoto, (error: unknown) => {
      report(problemOf(error));
    });
  };

  return (
    <div className="workspace">
      <div className="stage">
        <div className="frame frame-camera" style={{ '--ratio': String(4 / 3) } as CSSProperties}>
          <video ref={frames.video} className="visually-hidden" muted playsInline aria-hidden="true" />
          <canvas ref={frames.canvas} role="img" aria-label="The camera’s picture" />
          {camera.problem === undefined ? null : <CameraProblem problem={camera.problem} onAgain={camera.again} />}
          {busyWords(camera, model) === undefined ? null : (
            <p className="busy">
              <span className="spinner" aria-hidden="true" />
              {busyWords(camera, model)}
            </p>
          )}
        </div>
      </div>
      <aside className="panel" aria-label="Camera">
        <div className="panel-top">
          <h1>Behind you</h1>
          <p className="facts">Every frame is looked at on this device and forgotten.</p>
        </div>
        <BackdropPicker none="As it is" value={backdrop} onChange={setBackdrop} report={report} />
        <Rates rates={frames.rates} />
        <label className="setting">
          <span>Mirror</span>
          <input
            type="checkbox"
            role="switch"
            className="switch"
            checked={mirror}
            onChange={(event) => {
              setMirror(event.target.checked);
            }}
          />
        </label>
        <Devices camera={camera} />
        <button type="button" className="primary wide" disabled={frames.rates === undefined} onClick={take}>
          <PhotoIcon />
          Take a photo
        </button>
      </aside>
    </div>
  );
}

function busyWords(camera: Camera, model: Model): string | undefined {
  if (camera.problem !== undefined) return undefined;
  if (camera.stream === undefined) return 'Waiting for the camera…';
  if (model.current !== undefined || model.pending === undefined) return undefined;
  return `Fetching the model, ${progress(model.pending.fraction)}`;
}

function CameraProblem({ problem, onAgain }: { problem: Problem; onAgain: () => void }): ReactNode {
  return (
    <div className="camera-problem" role="alert">
      <AlertIcon />
      <strong>{problem.title}</strong>
      <p>{problem.remedy}</p>
      <button type="button" className="secondary" onClick={onAgain}>
        Start it again
      </button>
    </div>
  );
}

function Rates({ rates }: { rates: FrameRates | undefined }): ReactNode {
  return (
    <dl className="rates">
      <div>
        <dt>Frames a second</dt>
        <dd className="number">{rates === undefined ? '–' : String(rates.perSecond)}</dd>
      </div>
      <div>
        <dt>Network</dt>
        <dd className="number">{rates?.networkMs === undefined ? '–' : duration(rates.networkMs)}</dd>
      </div>
    </dl>
  );
}

function Devices({ camera }: { camera: Camera }): ReactNode {
  if (camera.devices.length < 2) return null;
  return (
    <label className="setting">
      <span>Camera</span>
      <select
        value={camera.deviceId}
        onChange={(event) => {
          camera.use(event.target.value);
        }}
      >
        {camera.devices.map(({ deviceId, label }, i) => (
          <option key={deviceId} value={deviceId}>
            {label === '' ? `Camera ${String(i + 1)}` : label}
          </option>
        ))}
      </select>
    </label>
  );
}
