import { useSyncExternalStore } from "react";

/** The verifier keys that the user trusts, one a line. They are no secret. Only this file writes to `localStorage`. */
const KEPT = "efface-verifier-keys";

let pinned: readonly string[] = kept();
const listeners = new Set<() => void>();

function kept(): readonly string[] {
  try {
    return (localStorage.getItem(KEPT) ?? "").split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}

function become(next: readonly string[]): void {
  pinned = next;
  try {
    if (next.length > 0) localStorage.setItem(KEPT, next.join("\n"));
    else localStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing: the keys are pinned until the page is closed.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The pinned keys, as lines. */
export function usePinnedKeys(): readonly string[] {
  return useSyncExternalStore(subscribe, () => pinned);
}

export function pinKeys(lines: readonly string[]): void {
  become([...new Set([...pinned, ...lines])]);
}

export function forgetKey(line: string): void {
  become(pinned.filter((other) => other !== line));
}
