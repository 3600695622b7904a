import type { ReactNode } from 'react';

import type { Model } from '../hooks/use-model.js';
import { progress } from '../lib/format.js';
import { CameraIcon, ChevronIcon, LightIcon, Mark, PhotoIcon } from './icons.js';

export type Screen = 'photo' | 'camera';

interface HeaderProps {
  readonly screen: Screen;
  readonly model: Model;
  readonly onScreen: (screen: Screen) => void;
  readonly onHome: () => void;
  readonly onModels: () => void;
  readonly onTheme: () => void;
}

const SCREENS = [
  { screen: 'photo', title: 'Photo', icon: <PhotoIcon /> },
  { screen: 'camera', title: 'Camera', icon: <CameraIcon /> },
] as const;

export function Header({ screen, model, onScreen, onHome, onModels, onTheme }: HeaderProps): ReactNode {
  return (
    <header className="header">
      <button type="button" className="wordmark" onClick={onHome} aria-label="Silhouette, to the start">
        <Mark />
        <span>Silhouette</span>
      </button>
      <nav className="tabs" aria-label="What to look at">
        {SCREENS.map(({ screen: name, title, icon }) => (
          <button
            key={name}
            type="button"
            aria-current={screen === name ? 'page' : undefined}
            onClick={() => {
              onScreen(name);
            }}
          >
            {icon}
            <span>{title}</span>
          </button>
        ))}
      </nav>
      <ModelButton model={model} onModels={onModels} />
      <button type="button" className="quiet square" onClick={onTheme} aria-label="Light or dark">
        <LightIcon />
      </button>
    </header>
  );
}

function ModelButton({ model, onModels }: { model: Model; onModels: () => void }): ReactNode {
  const { current, pending } = model;
  const title = pending?.choice.title ?? current?.choice.title ?? 'None';
  return (
    <button type="button" className="model-button" aria-haspopup="dialog" onClick={onModels}>
      <span className="model-button-kind">Model</span> <span className="model-button-title">{title}</span>{' '}
      {pending === undefined ? (
        <ChevronIcon />
      ) : (
        <span className="number">
          {progress(pending.fraction)}
          <span className="visually-hidden"> fetched</span>
        </span>
      )}
    </button>
  );
}
