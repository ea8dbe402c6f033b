import { Store, useStore } from "../ui/store.ts";

/** The verifier keys that the user trusts, one a line. They are no secret. Only this file writes to `localStorage`. */
const KEPT = "efface-verifier-keys";

const pinned = new Store(kept());

function kept(): readonly string[] {
  try {
    return (localStorage.getItem(KEPT) ?? "").split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}

function become(next: readonly string[]): void {
  pinned.set(next);
  try {
    if (next.length > 0) localStorage.setItem(KEPT, next.join("\n"));
    else localStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing: the keys are pinned until the page is closed.
  }
}

/** The pinned keys, as lines. */
export function usePinnedKeys(): readonly string[] {
  return useStore(pinned);
}

export function pinKeys(lines: readonly string[]): void {
  become([...new Set([...pinned.get(), ...lines])]);
}

export function forgetKey(line: string): void {
  become(pinned.get().filter((other) => other !== line));
}
