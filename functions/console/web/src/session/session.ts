import type { Schemas } from "../api/client.ts";
import { Store, useStore } from "../ui/store.ts";

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

/** After so long without a key or a pointer the console signs out: somebody else may sit there. */
export const IDLE_MS = 15 * 60_000;

/** The only place of the browser where the token is ever kept, and only where the user asked for it. */
const KEPT = "efface-session";
/** The time of the last use is written at most so often. */
const NOTED_MS = 30_000;
let noted = 0;

const state = new Store<SessionState>({ session: null, signedOut: "start" });

/** The session, for components that show who is signed in. */
export function useSessionState(): SessionState {
  return useStore(state);
}

/** The session of a screen that exists only while somebody is signed in. */
export function useSession(): Session {
  const { session } = useSessionState();
  if (session === null) throw new Error("This screen needs a session.");
  return session;
}

/** Calls a function whenever the session changes, for as long as the page is there. */
export function onSession(listener: () => void): void {
  state.subscribe(listener);
}

/** What requests are sent with. */
export function credentials(): Credentials | null {
  return state.get().session;
}

export function signIn(given: Credentials, details: Schemas["TokenBody"], isKept: boolean): void {
  const { space, token } = given;
  state.set({ session: { space, token, details, isKept, isExpired: false }, signedOut: null });
  keep();
}

export function signOut(why: SignedOut): void {
  state.set({ session: null, signedOut: why });
  keep();
}

/** Notes that somebody uses the page now, so that a reload does not restore what nobody has used for {@link IDLE_MS}. */
export function noteUse(): void {
  if (Math.abs(Date.now() - noted) >= NOTED_MS) keep();
}

/** Has the tab keep the session, if it may. A browser that has no storage for the page forgets it at a reload. */
function keep(): void {
  const { session } = state.get();
  noted = Date.now();
  try {
    if (session?.isKept) {
      const { space, token } = session;
      sessionStorage.setItem(KEPT, JSON.stringify({ space, token, usedAt: noted }));
    } else sessionStorage.removeItem(KEPT);
  } catch {}
}

/** Notes that the API has rejected a token, if it is the session's. */
export function tokenWasRejected(authorization: string | null): void {
  const { session } = state.get();
  if (session !== null && !session.isExpired && authorization === `Bearer ${session.token}`) {
    state.set({ session: { ...session, isExpired: true }, signedOut: null });
  }
}

/** What the tab has kept from before a reload, unless nobody has used it for too long. */
export function keptCredentials(): Credentials | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    const { space, token, usedAt } = (kept ?? {}) as Partial<Credentials & { usedAt: number }>;
    const isRecent = typeof usedAt === "number" && Date.now() - usedAt < IDLE_MS;
    if (isRecent && typeof space === "string" && typeof token === "string") return { space, token };
    sessionStorage.removeItem(KEPT);
    return null;
  } catch {
    return null;
  }
}
