import { useId, type ReactNode } from 'react';

interface ChoicesProps<T extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly title: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** One of a few, side by side: radio buttons, as keyboards and screen readers know them. */
export function Choices<T extends string>({ label, options, value, onChange }: ChoicesProps<T>): ReactNode {
  const name = useId();
  return (
    <div className="choices" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => {
              onChange(option.value);
            }}
          />
          <span>{option.title}</span>
        </label>
      ))}
    </div>
  );
}
