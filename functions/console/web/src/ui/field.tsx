import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

interface Labelled {
  label: string;
  /** What to enter, below the label. */
  hint?: ReactNode;
  /** What is wrong with what was entered. */
  error?: string | null;
}

function useDescriptions(hint: ReactNode, error: string | null | undefined) {
  const id = useId();
  const parts = [hint ? `${id}-hint` : null, error ? `${id}-error` : null].filter((part) => part !== null);
  const described = parts.length > 0 ? { "aria-describedby": parts.join(" ") } : {};
  return { id, attributes: { id, "aria-invalid": error ? true : undefined, ...described } };
}

function Wrapped({ id, label, hint, error, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <small id={`${id}-hint`} className="hint">
          {hint}
        </small>
      )}
      {children}
      {error && (
        <small id={`${id}-error`} className="field-error">
          {error}
        </small>
      )}
    </div>
  );
}

/** A text field with its label. */
export function TextField({ label, hint, error, ...rest }: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  const { id, attributes } = useDescriptions(hint, error);
  return (
    <Wrapped id={id} label={label} hint={hint} error={error ?? null}>
      <input type="text" autoComplete="off" autoCapitalize="none" spellCheck={false} {...rest} {...attributes} />
    </Wrapped>
  );
}

/** A choice of few. */
export function SelectField({
  label,
  hint,
  error,
  children,
  ...rest
}: Labelled & SelectHTMLAttributes<HTMLSelectElement>) {
  const { id, attributes } = useDescriptions(hint, error);
  return (
    <Wrapped id={id} label={label} hint={hint} error={error ?? null}>
      <select {...rest} {...attributes}>
        {children}
      </select>
    </Wrapped>
  );
}

/** A text of several lines. */
export function AreaField({ label, hint, error, ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const { id, attributes } = useDescriptions(hint, error);
  return (
    <Wrapped id={id} label={label} hint={hint} error={error ?? null}>
      <textarea autoComplete="off" autoCapitalize="none" spellCheck={false} rows={3} {...rest} {...attributes} />
    </Wrapped>
  );
}

/** A checkbox with its label behind it. */
export function CheckField({ label, ...rest }: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="check">
      <input type="checkbox" {...rest} /> <span>{label}</span>
    </label>
  );
}
