import { type ReactNode, useEffect, useId, useRef } from "react";
import { Announcer } from "./announce.tsx";
import { focusMain } from "./focused.tsx";

interface DialogProps {
  title: string;
  /** Called for Escape. The dialog is closed when it is no longer rendered. Without this Escape does not close it. */
  onClose?: () => void;
  /** Whether it may not be closed now, because what it started is not over. */
  isBusy?: boolean;
  children: ReactNode;
}

/** A modal dialog. The focus goes to its first control, stays inside, and returns to where it was. */
export function Dialog({ title, onClose, isBusy = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opened = dialog.current;
    const before = document.activeElement;
    if (opened !== null && !opened.open) opened.showModal();
    return () => {
      opened?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else focusMain();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isBusy) onClose?.();
      }}
      // A second Escape closes it in some browsers, whatever the first was answered.
      onClose={() => {
        if (isBusy || !onClose) dialog.current?.showModal();
        else onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
      {/* The page below is inert, and so is its region. */}
      <Announcer />
    </dialog>
  );
}
