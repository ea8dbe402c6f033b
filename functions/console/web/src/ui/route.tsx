import { type AnchorHTMLAttributes, useSyncExternalStore } from "react";

/**
 * The screens are addressed by what follows the `#` of the page's address. The browser sends that to no server, but keeps it
 * in its history: so it holds ids of Efface's own, and never an identifier of a person.
 */
function here(): string {
  return window.location.hash.slice(1) || "/";
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** The address of the screen that is shown, such as `/jobs/job_…`. */
export function useRoute(): string {
  return useSyncExternalStore(subscribe, here);
}

/** Shows another screen, in place of this one in the history if asked for. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) window.location.replace(`#${to}`);
  else window.location.hash = to;
}

/** A link to another screen. */
export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  return <a href={`#${href}`} {...rest} />;
}
