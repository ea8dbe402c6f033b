import { Problem } from "../api/problem.ts";
import { Store } from "../ui/store.ts";
import { type Credentials, credentials } from "./session.ts";

/** The one-time code of a link that `cargo local` has printed, until it is exchanged. */
export const localCode = new Store<string | null>(null);

/**
 * Takes the code out of the address, and out of the history. This is done before anything else looks at the address: when the
 * page loads, and when the link is opened in a tab that shows the console. A session that is there stays, and so does its screen.
 */
function takeCode(before: string): void {
  const code = /^#code=([\w-]+)$/.exec(window.location.hash)?.[1];
  if (code === undefined) return;
  window.history.replaceState(null, "", before);
  if (credentials() === null) localCode.set(code);
}

if (typeof window !== "undefined") {
  takeCode(window.location.pathname);
  window.addEventListener("hashchange", ({ oldURL }) => takeCode(credentials() ? oldURL : window.location.pathname));
}

/** Exchanges the code for a token. Only `cargo local` answers this. */
export async function exchange(code: string): Promise<Credentials> {
  const sent = fetch("sign_in", {
    method: "POST",
    body: JSON.stringify({ code }),
    headers: { "Content-Type": "application/json" },
    credentials: "omit",
    redirect: "error",
  });
  const response = await sent.catch((cause: unknown) => {
    throw Problem.noResponse(cause);
  });
  const content: unknown = await response.json().catch(() => null);
  if (!response.ok) throw Problem.of(response, content);
  const { space_id, token } = content as { space_id: string; token: string };
  return { space: space_id, token };
}
