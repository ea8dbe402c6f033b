import { type ReactNode, useEffect, useId, useRef } from "react";

interface DialogProps {
  title: string;
  /** Called for Escape and the close button. The dialog is closed when it is no longer rendered. */
  onClose: () => void;
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
      // What was pressed is gone with what it was for.
      else document.getElementById("main")?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isBusy) onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
