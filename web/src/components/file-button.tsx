import { useRef, type ReactNode } from 'react';

interface FileButtonProps {
  readonly className: string;
  /** What the dialog offers, as `<input accept>`. */
  readonly accept: string;
  readonly label: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: File[]) => void;
  readonly children: ReactNode;
}

/** A button that opens the system's file dialog. The input is the browser's; people and screen readers meet the button. */
export function FileButton({ className, accept, label, multiple, onFiles, children }: FileButtonProps): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={accept}
        multiple={multiple === true}
        aria-label={label}
        hidden
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The same file may be chosen again.
          event.target.value = '';
        }}
      />
      <button
        type="button"
        className={className}
        onClick={() => {
          input.current?.click();
        }}
      >
        {children}
      </button>
    </>
  );
}
