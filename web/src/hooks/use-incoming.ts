import { useEffect, useRef, useState } from 'react';

/** Whether something is held over the page, and could be dropped. */
export function useIncoming(receive: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const newest = useRef(receive);
  useEffect(() => {
    newest.current = receive;
  });

  useEffect(() => {
    // Elements are entered and left one within the other: it is over when as many were left as entered.
    let depth = 0;
    const listen = new AbortController();
    const { signal } = listen;

    const entering = (event: DragEvent): void => {
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const leaving = (): void => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const dragging = (event: DragEvent): void => {
      event.preventDefault();
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy';
    };
    const dropped = (event: DragEvent): void => {
      event.preventDefault();
      depth = 0;
      setOver(false);
      newest.current([...(event.dataTransfer?.files ?? [])]);
    };
    const pasted = (event: ClipboardEvent): void => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      newest.current([...(event.clipboardData?.files ?? [])]);
    };

    window.addEventListener('dragenter', entering, { signal });
    window.addEventListener('dragleave', leaving, { signal });
    window.addEventListener('dragover', dragging, { signal });
    window.addEventListener('drop', dropped, { signal });
    window.addEventListener('paste', pasted, { signal });
    return () => {
      listen.abort();
    };
  }, []);

  return over;
}
