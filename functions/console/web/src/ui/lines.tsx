import type { ReactNode } from "react";

/** A list of different texts, each shown as it is or as `show` says. */
export function Lines({ of, show = (text) => text }: { of: readonly string[]; show?: (text: string) => ReactNode }) {
  return (
    <ul>
      {of.map((text) => (
        <li key={text}>{show(text)}</li>
      ))}
    </ul>
  );
}
