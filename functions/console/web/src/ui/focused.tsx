import { type ReactNode, useEffect, useRef } from "react";

interface FocusedProps {
  label: string;
  /** Whether it is all that a dialog has, which is then shown from its top. */
  isWhole?: boolean;
  children: ReactNode;
}

/** What takes the place of a control that was just used: the focus goes to it, and screen readers read it. */
export function Focused({ label, isWhole = false, children }: FocusedProps) {
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => {
    group.current?.focus({ preventScroll: isWhole });
    if (isWhole) group.current?.closest("dialog")?.scrollTo(0, 0);
  }, [isWhole]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend, and has a look of its own.
    <div ref={group} className="stack focused" role="group" aria-label={label} tabIndex={-1}>
      {children}
    </div>
  );
}

/** Takes the focus to the screen: what was pressed is gone with what it was for. */
export function focusMain(): void {
  document.getElementById("main")?.focus();
}
