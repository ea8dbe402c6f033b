import { type ButtonHTMLAttributes, type ReactNode, useId } from "react";
import type { Reason } from "../session/permission.ts";

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  /** Why it can't be pressed. It is shown beside the button, and the button stays reachable by keyboard. */
  reason?: Reason;
  /** Whether what it started is not over yet. */
  isBusy?: boolean;
  children: ReactNode;
}

/** A button. One that can't be pressed says why, and stays in the order of the Tab key. */
export function Button({ kind = "plain", reason = null, isBusy = false, onClick, children, ...rest }: ButtonProps) {
  const id = useId();
  const isOff = reason !== null || isBusy;
  const described = reason === null ? {} : { "aria-describedby": id };
  return (
    <span className="button-with-reason">
      <button
        type="button"
        {...rest}
        {...described}
        className={`button ${kind}`}
        aria-disabled={isOff || undefined}
        aria-busy={isBusy || undefined}
        onClick={(event) => {
          if (isOff) event.preventDefault();
          else onClick?.(event);
        }}
      >
        {children}
        {isBusy && <span aria-hidden="true"> …</span>}
      </button>
      {reason !== null && (
        <small id={id} className="reason">
          {reason}
        </small>
      )}
    </span>
  );
}
