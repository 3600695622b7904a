import type { ReactNode } from 'react';

import { SplitIcon } from './icons.js';

interface CompareSliderProps {
  readonly label: string;
  /** Where the line is, per cent from the left. */
  readonly value: number;
  readonly onChange: (value: number) => void;
}

/**
 * The line between before and after, over whatever it lies on. A range input, so that keyboards, fingers and screen readers
 * have it as they know it; only its thumb takes the pointer, what lies beneath keeps the rest.
 */
export function CompareSlider({ label, value, onChange }: CompareSliderProps): ReactNode {
  return (
    <div className="compare">
      <input
        type="range"
        min="0"
        max="100"
        step="0.5"
        aria-label={label}
        aria-valuetext={`${String(Math.round(value))}% photo`}
        value={value}
        onChange={(event) => {
          onChange(Number(event.target.value));
        }}
      />
      <div className={value > 0 && value < 100 ? 'compare-line' : 'compare-line at-edge'} aria-hidden="true">
        <span className="compare-grip">
          <SplitIcon />
        </span>
      </div>
    </div>
  );
}
