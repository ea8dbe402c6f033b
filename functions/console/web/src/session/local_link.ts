import { Problem } from "../api/problem.ts";
import type { Credentials } from "./session.ts";

/**
 * Takes the one-time code of a link that `cargo local` has printed out of the address, and out of the history. It is read
 * once, when the page loads, before anything else looks at the address.
 */
export const localCode = takeCode();

function takeCode(): string | null {
  if (typeof window === "undefined") return null;
  const code = /^#code=([\w-]+)$/.exec(window.location.hash)?.[1] ?? null;
  if (code !== null) window.history.replaceState(null, "", window.location.pathname);
  return code;
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
