import { useCallback, useEffect, useRef, useState } from 'react';

const MS = 900;

/**
 * Where the line between before and after stands, per cent from the left: a new result is uncovered from the right to the
 * left, for those who like motion; then the line is the visitor's.
 */
export function useReveal(result: { readonly photo: object } | undefined): [number, (split: number) => void] {
  const [split, setSplit] = useState(0);
  const frame = useRef(0);
  const photo = result?.photo;

  useEffect(() => {
    if (photo === undefined || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const begin = performance.now();
    const step = (now: number): void => {
      const passed = Math.min(1, Math.max(0, (now - begin) / MS));
      setSplit(100 * (1 - passed) ** 3);
      if (passed < 1) frame.current = requestAnimationFrame(step);
    };
    step(begin);
    return () => {
      cancelAnimationFrame(frame.current);
    };
  }, [photo]);

  const take = useCallback((value: number) => {
    cancelAnimationFrame(frame.current);
    setSplit(value);
  }, []);
  return [split, take];
}
