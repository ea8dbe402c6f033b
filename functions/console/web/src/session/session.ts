import { useSyncExternalStore } from "react";
import type { Schemas } from "../api/client.ts";

/** A space and a token for it, as they were typed in. */
export interface Credentials {
  space: string;
  token: string;
}

/** Who is signed in. */
export interface Session extends Credentials {
  /** What the token is and may do, and its space. */
  details: Schemas["TokenBody"];
  /** Whether the tab keeps the token, so that a reload does not sign out. */
  isKept: boolean;
  /** Whether the API has rejected the token since. The page stays, and asks for another one. */
  isExpired: boolean;
}

/** Why nobody is signed in. */
export type SignedOut = "start" | "idle" | "by_hand";

export type SessionState = { session: Session; signedOut: null } | { session: null; signedOut: SignedOut };

/** The only place of the browser where the token is ever kept, and only where the user asked for it. */
const KEPT = "efface-session";

let state: SessionState = { session: null, signedOut: "start" };
const listeners = new Set<() => void>();

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session, for components that show who is signed in. */
export function useSessionState(): SessionState {
  return useSyncExternalStore(subscribe, () => state);
}

/** The session of a screen that exists only while somebody is signed in. */
export function useSession(): Session {
  const { session } = useSessionState();
  if (session === null) throw new Error("This screen needs a session.");
  return session;
}

/** What requests are sent with. */
export function credentials(): Credentials | null {
  return state.session;
}

export function signIn(given: Credentials, details: Schemas["TokenBody"], isKept: boolean): void {
  if (isKept) sessionStorage.setItem(KEPT, JSON.stringify(given));
  else sessionStorage.removeItem(KEPT);
  become({ session: { ...given, details, isKept, isExpired: false }, signedOut: null });
}

export function signOut(why: SignedOut): void {
  sessionStorage.removeItem(KEPT);
  become({ session: null, signedOut: why });
}

/** Notes that the API has rejected a token, if it is the session's. */
export function tokenWasRejected(authorization: string | null): void {
  const { session } = state;
  if (session !== null && !session.isExpired && authorization === `Bearer ${session.token}`) {
    become({ session: { ...session, isExpired: true }, signedOut: null });
  }
}

/** What the tab has kept from before a reload. */
export function keptCredentials(): Credentials | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    const { space, token } = (kept ?? {}) as Partial<Credentials>;
    return typeof space === "string" && typeof token === "string" ? { space, token } : null;
  } catch {
    return null;
  }
}
