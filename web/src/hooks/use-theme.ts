import { useCallback, useLayoutEffect, useState } from 'react';

type Theme = 'light' | 'dark';

const KEY = 'silhouette-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

function remembered(): Theme | undefined {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : undefined;
  } catch {
    // Storage is switched off: the system's theme does.
    return undefined;
  }
}

function remember(theme: Theme | undefined): void {
  try {
    if (theme === undefined) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
  }
}

/** Light or dark as the system is, until the visitor turns it; turned back, it follows the system again. */
export function useTheme(): () => void {
  const [theme, setTheme] = useState(remembered);

  useLayoutEffect(() => {
    const { dataset } = document.documentElement;
    if (theme === undefined) delete dataset['theme'];
    else dataset['theme'] = theme;
    remember(theme);
  }, [theme]);

  return useCallback(() => {
    setTheme((old) => {
      const system: Theme = dark.matches ? 'dark' : 'light';
      const next: Theme = (old ?? system) === 'dark' ? 'light' : 'dark';
      return next === system ? undefined : next;
    });
  }, []);
}
