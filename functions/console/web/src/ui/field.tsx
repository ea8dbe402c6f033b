import {
  type ElementType,
  type FormHTMLAttributes,
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
  /** Told what was entered. */
  onValue?: (value: string) => void;
}

/** The attributes of a control with its label. */
type Props<Attributes> = Labelled & Omit<Attributes, "onChange">;

/** What is entered is no prose of the user's. */
const VERBATIM = { autoComplete: "off", autoCapitalize: "none", spellCheck: false };

/** A text field with its label. */
export function TextField(props: Props<InputHTMLAttributes<HTMLInputElement>>) {
  return <Field as="input" type="text" {...VERBATIM} {...props} />;
}

/** A choice of few. */
export function SelectField(props: Props<SelectHTMLAttributes<HTMLSelectElement>>) {
  return <Field as="select" {...props} />;
}

/** A text of several lines. */
export function AreaField(props: Props<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return <Field as="textarea" rows={3} {...VERBATIM} {...props} />;
}

function Field({ as: Control, label, hint, error, onValue, ...rest }: Labelled & { as: ElementType }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <small id={`${id}-hint`} className="hint">
          {hint}
        </small>
      )}
      <Control
        {...rest}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        onChange={(event: { target: { value: string } }) => onValue?.(event.target.value)}
      />
      {error && (
        <small id={`${id}-error`} className="field-error">
          {error}
        </small>
      )}
    </div>
  );
}

interface CheckFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  label: ReactNode;
  /** Told whether it is ticked. */
  onValue: (isTicked: boolean) => void;
}

/** A checkbox with its label behind it. */
export function CheckField({ label, onValue, ...rest }: CheckFieldProps) {
  return (
    <label className="check">
      <input type="checkbox" {...rest} onChange={(event) => onValue(event.target.checked)} /> <span>{label}</span>
    </label>
  );
}

interface FormProps extends Omit<FormHTMLAttributes<HTMLFormElement>, "onSubmit"> {
  onSend: () => void;
}

/** A form. The browser sends it nowhere. */
export function Form({ onSend, ...rest }: FormProps) {
  return (
    <form
      {...rest}
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    />
  );
}
