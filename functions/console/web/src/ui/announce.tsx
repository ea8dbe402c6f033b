import { useSyncExternalStore } from "react";

/** What screen readers are to say next. */
let said = "";
const listeners = new Set<() => void>();

/** Has screen readers say something, when they have finished what they are saying. */
export function announce(text: string): void {
  said = text;
  for (const listener of listeners) listener();
}

/** The region that screen readers listen to. It exists once. */
export function Announcer() {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => said,
  );
  return (
    <p className="visually-hidden" role="status" aria-live="polite">
      {text}
    </p>
  );
}
