import type { ReactNode } from 'react';

import { SAMPLES } from '../lib/samples.js';

export function Footer(): ReactNode {
  const credits = SAMPLES.map(({ title, credit }) => `${title}: ${credit}`).join('. ');
  return (
    <footer className="footer">
      <p>
        Silhouette works in this page and, once it has been open, without a network. It sends nothing anywhere and asks
        no other server for anything.
      </p>
      <p>Sample photos, some made smaller. {credits}.</p>
    </footer>
  );
}
