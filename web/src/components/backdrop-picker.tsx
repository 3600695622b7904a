import { useMemo, type ReactNode } from 'react';

import { BLUR, type Backdrop } from '../lib/backdrops.js';
import type { HexColor } from '../lib/palette.js';
import { openPhoto } from '../lib/photo.js';
import { problemOf, type Problem } from '../lib/problems.js';
import { paintScenes, sceneOf, type Scene } from '../lib/scenes.js';
import { Choices } from './choices.js';
import { FileButton } from './file-button.js';

interface BackdropPickerProps {
  /** What there is without a backdrop: nothing behind a cut-out, the room itself behind the camera's picture. */
  readonly none: string;
  readonly value: Backdrop;
  readonly onChange: (backdrop: Backdrop) => void;
  readonly report: (problem: Problem) => void;
}

const COLORS: readonly { color: HexColor; title: string }[] = [
  { color: '#ffc62e', title: 'Yellow' },
  { color: '#f4f4ef', title: 'White' },
  { color: '#141513', title: 'Black' },
  { color: '#ff6a5c', title: 'Coral' },
  { color: '#2f6bff', title: 'Blue' },
  { color: '#1f9d63', title: 'Green' },
];

export function BackdropPicker({ none, value, onChange, report }: BackdropPickerProps): ReactNode {
  const scenes = useMemo(paintScenes, []);
  const choose = (kind: Backdrop['kind']): void => {
    if (kind === 'none') onChange({ kind });
    else if (kind === 'blur') onChange({ kind, amount: BLUR.usual });
    else if (kind === 'color') onChange({ kind, color: '#ffc62e' });
    else onChange({ kind, scene: scenes[0] as Scene });
  };
  return (
    <div className="backdrop">
      <Choices
        label="Background"
        value={value.kind}
        onChange={choose}
        options={[
          { value: 'none', title: none },
          { value: 'blur', title: 'Blur' },
          { value: 'color', title: 'Colour' },
          { value: 'picture', title: 'Picture' },
        ]}
      />
      {value.kind === 'blur' ? <BlurAmount value={value.amount} onChange={onChange} /> : null}
      {value.kind === 'color' ? <Colors value={value.color} onChange={onChange} /> : null}
      {value.kind === 'picture' ? (
        <Pictures scenes={scenes} value={value.scene} onChange={onChange} report={report} />
      ) : null}
    </div>
  );
}

function BlurAmount({ value, onChange }: { value: number; onChange: (backdrop: Backdrop) => void }): ReactNode {
  return (
    <label className="slider">
      <span>Strength</span>
      <input
        type="range"
        min={BLUR.least}
        max={BLUR.most}
        step="0.005"
        value={value}
        aria-valuetext={`${String(Math.round((value / BLUR.most) * 100))}%`}
        onChange={(event) => {
          onChange({ kind: 'blur', amount: Number(event.target.value) });
        }}
      />
    </label>
  );
}

function Colors({ value, onChange }: { value: HexColor; onChange: (backdrop: Backdrop) => void }): ReactNode {
  return (
    <div className="colors" role="group" aria-label="Colour of the background">
      {COLORS.map(({ color, title }) => (
        <button
          key={color}
          type="button"
          aria-label={title}
          aria-pressed={color === value}
          style={{ background: color }}
          onClick={() => {
            onChange({ kind: 'color', color });
          }}
        />
      ))}
      <label className="swatch swatch-any">
        <input
          type="color"
          aria-label="Another colour"
          value={value}
          onChange={(event) => {
            onChange({ kind: 'color', color: event.target.value as HexColor });
          }}
        />
      </label>
    </div>
  );
}

interface PicturesProps {
  readonly scenes: readonly Scene[];
  readonly value: Scene;
  readonly onChange: (backdrop: Backdrop) => void;
  readonly report: (problem: Problem) => void;
}

function Pictures({ scenes, value, onChange, report }: PicturesProps): ReactNode {
  const open = ([file]: File[]): void => {
    if (file === undefined) return;
    openPhoto(file, file.name).then(
      (photo) => {
        onChange({ kind: 'picture', scene: sceneOf(photo) });
      },
      (error: unknown) => {
        report(problemOf(error));
      },
    );
  };
  return (
    <div className="scenes" role="group" aria-label="Picture for the background">
      {scenes.map((scene) => (
        <button
          key={scene.id}
          type="button"
          aria-pressed={scene.id === value.id}
          onClick={() => {
            onChange({ kind: 'picture', scene });
          }}
        >
          <Thumbnail scene={scene} />
          <span>{scene.title}</span>
        </button>
      ))}
      <FileButton className="scene-own" accept="image/*" label="Picture for the background" onFiles={open}>
        <span className="scene-plus" aria-hidden="true">
          +
        </span>
        <span>Yours</span>
      </FileButton>
    </div>
  );
}

function Thumbnail({ scene }: { scene: Scene }): ReactNode {
  const draw = (canvas: HTMLCanvasElement | null): void => {
    canvas?.getContext('2d')?.drawImage(scene.picture, 0, 0, canvas.width, canvas.height);
  };
  return <canvas ref={draw} width="160" height="100" aria-hidden="true" />;
}
