import { useEffect, useRef, type ReactNode } from 'react';

import type { Model } from '../hooks/use-model.js';
import { progress } from '../lib/format.js';
import { CHOICES, type ModelChoice } from '../lib/models.js';
import { FileButton } from './file-button.js';
import { CloseIcon } from './icons.js';

interface ModelDialogProps {
  readonly open: boolean;
  readonly model: Model;
  readonly onClose: () => void;
  readonly onFiles: (files: File[]) => void;
  /** What goes wrong is said where it is seen: nothing outside of the dialog is. */
  readonly children: ReactNode;
}

export function ModelDialog({ open, model, onClose, onFiles, children }: ModelDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);

  // What was chosen here is there: that was all.
  const shown = useRef(model.current);
  useEffect(() => {
    if (shown.current !== model.current && open) onClose();
    shown.current = model.current;
  }, [model, open, onClose]);

  const own = [model.current?.choice, model.pending?.choice].filter(
    (choice): choice is ModelChoice => choice !== undefined && typeof choice.source !== 'string',
  );
  const choices = [...CHOICES, ...new Map(own.map((choice) => [choice.id, choice])).values()];
  return (
    <dialog ref={dialog} className="models" aria-labelledby="models-title" onClose={onClose}>
      <div className="models-top">
        <h2 id="models-title">Which model looks?</h2>
        <button type="button" className="quiet square" onClick={onClose} aria-label="Close">
          <CloseIcon />
        </button>
      </div>
      {children}
      <ul>
        {choices.map((choice) => (
          <ModelRow key={choice.id} choice={choice} model={model} />
        ))}
      </ul>
      <section className="models-own">
        <h3>One of your own</h3>
        <p>
          Drop a <code>.pte</code> file anywhere on the page, together with a <code>.txt</code> of its labels (one a
          line) if they aren’t inside. It stays on this device.
        </p>
        <FileButton className="secondary" accept=".pte,.txt,.json" label="Model and labels" multiple onFiles={onFiles}>
          Choose a file
        </FileButton>
      </section>
    </dialog>
  );
}

function ModelRow({ choice, model }: { choice: ModelChoice; model: Model }): ReactNode {
  const { current, pending, given } = model;
  const loading = pending?.choice.id === choice.id;
  const used = current?.choice.id === choice.id;
  return (
    <li className={used ? 'used' : ''}>
      <div>
        <h3>{choice.title}</h3>
        <p>{choice.about}</p>
        {loading ? (
          <progress value={pending.fraction} max="1" aria-label={`Fetching ${choice.title}`}>
            {progress(pending.fraction)}
          </progress>
        ) : null}
      </div>
      <ModelAction choice={choice} model={model} used={used} loading={loading} again={given?.id === choice.id} />
    </li>
  );
}

interface ModelActionProps {
  readonly choice: ModelChoice;
  readonly model: Model;
  readonly used: boolean;
  readonly loading: boolean;
  readonly again: boolean;
}

function ModelAction({ choice, model, used, loading, again }: ModelActionProps): ReactNode {
  if (loading) {
    return (
      <button type="button" className="secondary" onClick={model.cancel} aria-label={`Cancel ${choice.title}`}>
        Cancel
      </button>
    );
  }
  if (used) return <span className="in-use">In use</span>;
  return (
    <button
      type="button"
      className="secondary"
      aria-label={`${again ? 'Try again' : 'Use'} ${choice.title}`}
      onClick={() => {
        model.choose(choice);
      }}
    >
      {again ? 'Try again' : 'Use'}
    </button>
  );
}
