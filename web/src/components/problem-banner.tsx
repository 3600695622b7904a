import type { ReactNode } from 'react';

import type { Problem } from '../lib/problems.js';
import { AlertIcon, CloseIcon } from './icons.js';

export function ProblemBanner({ problem, onClose }: { problem: Problem; onClose: () => void }): ReactNode {
  return (
    <div className="problem" role="alert">
      <AlertIcon />
      <div className="problem-words">
        <strong>{problem.title}</strong>
        <p>{problem.remedy}</p>
        <details>
          <summary>Details</summary>
          <code>{problem.message}</code>
        </details>
      </div>
      <button type="button" className="quiet square" onClick={onClose} aria-label="Dismiss">
        <CloseIcon />
      </button>
    </div>
  );
}
