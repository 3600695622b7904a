import type { ReactNode } from 'react';

/** Icons of one hand: 24 × 24, lines of 1.75. Decoration, always beside words or in something that has a label. */
function Icon({ children }: { children: ReactNode }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 32 40" aria-hidden="true" focusable="false">
      <clipPath id="mark-oval">
        <ellipse cx="16" cy="20" rx="15" ry="19" />
      </clipPath>
      <g clipPath="url(#mark-oval)">
        <rect className="mark-day" width="16" height="40" />
        <rect className="mark-night" x="16" width="16" height="40" />
        <path className="mark-night" d={BUST_LEFT} />
        <path className="mark-day" d={BUST_RIGHT} />
      </g>
    </svg>
  );
}

/** Head and shoulders, halved: each half is the other's negative. */
const BUST_LEFT = 'M16 6a7.6 8.8 0 0 0-4.3 16c.2 2.4-.9 3.5-2.9 4.3C3.9 28.3 1.3 32 1 40h15z';
const BUST_RIGHT = 'M16 6a7.6 8.8 0 0 1 4.3 16c-.2 2.4.9 3.5 2.9 4.3C28.1 28.3 30.7 32 31 40H16z';

export const PhotoIcon = (): ReactNode => (
  <Icon>
    <rect x="3.5" y="4.5" width="17" height="15" rx="2.5" />
    <circle cx="9" cy="10" r="1.75" />
    <path d="m4.5 18 5.5-5 3.5 3 3-2.5 4 3.5" />
  </Icon>
);

export const CameraIcon = (): ReactNode => (
  <Icon>
    <rect x="2.5" y="6" width="13" height="12" rx="2.5" />
    <path d="m15.5 10.5 6-3v9l-6-3" />
  </Icon>
);

export const ChevronIcon = (): ReactNode => (
  <Icon>
    <path d="m7 10 5 5 5-5" />
  </Icon>
);

export const CloseIcon = (): ReactNode => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);

export const DownloadIcon = (): ReactNode => (
  <Icon>
    <path d="M12 4v11m-4.5-4.5L12 15l4.5-4.5M4.5 19.5h15" />
  </Icon>
);

export const AlertIcon = (): ReactNode => (
  <Icon>
    <path d="M12 4 2.8 19.5h18.4zM12 10v4.5m0 2.4v.1" />
  </Icon>
);

export const SplitIcon = (): ReactNode => (
  <Icon>
    <path d="m9 8-4 4 4 4m6-8 4 4-4 4" />
  </Icon>
);

export const LightIcon = (): ReactNode => (
  <Icon>
    <circle cx="12" cy="12" r="7.5" />
    <path className="icon-fill" d="M12 4.5a7.5 7.5 0 0 1 0 15z" />
  </Icon>
);
