import { Problem } from "../api/problem.ts";
import { Store } from "./store.ts";

/** A request that changes something, as it was last sent. */
export interface Sent {
  readonly input: unknown;
  readonly key: string;
  /** Whose token it was sent with: somebody else has not agreed to it. */
  readonly token: string | undefined;
  /** How often it is on its way now. */
  readonly sending: number;
  /** Whether a response to it was lost: what it asks for may have happened, until a response says so or not. */
  readonly isLost: boolean;
}

/** The last request by what it writes, until its outcome is known. It outlives the dialog that has sent it. */
export class SentRequests {
  readonly store = new Store<ReadonlyMap<string, Sent>>(new Map());

  /**
   * The request to send. Where the last one may have happened, it is that one again, whatever the input is now; but not where
   * `isFree`.
   */
  begin(scope: string, input: unknown, isFree = false, token?: string): Sent {
    const last = this.store.get().get(scope);
    const isSame =
      last !== undefined && ((!isFree && isOpen(last)) || JSON.stringify(last.input) === JSON.stringify(input));
    const sent = isSame ? last : { input, key: crypto.randomUUID(), token, sending: 0, isLost: false };
    this.#keep(scope, { ...sent, sending: sent.sending + 1 });
    return sent;
  }

  /** Notes how a request has ended: with a fault, or none. */
  end(scope: string, key: string, fault?: unknown): void {
    const last = this.store.get().get(scope);
    if (last?.key !== key) return;
    const what = fault === undefined ? "known" : knownBy(fault);
    const sending = last.sending - 1;
    const isKnown = what === "known" && (fault === undefined || sending === 0);
    this.#keep(scope, isKnown ? null : { ...last, sending, isLost: last.isLost || what === "lost" });
  }

  /** Drops a request whose outcome somebody has looked up: the next one is another. */
  forget(scope: string): void {
    this.#keep(scope, null);
  }

  clear(): void {
    this.store.set(new Map());
  }

  #keep(scope: string, sent: Sent | null): void {
    const all = new Map(this.store.get());
    if (sent === null) all.delete(scope);
    else all.set(scope, sent);
    this.store.set(all);
  }
}

/** Whether it is open what has become of a request. */
export function isOpen({ isLost, sending }: Sent): boolean {
  return isLost || sending > 0;
}

/** What a fault says: the outcome, nothing of earlier tries, or that the outcome is not known. */
export function knownBy(fault: unknown): "known" | "nothing" | "lost" {
  if (!(fault instanceof Problem) || fault.status === 0 || fault.status === 408 || fault.status >= 500) return "lost";
  // The request was rejected before anybody has looked at its key.
  return [401, 403, 429].includes(fault.status) ? "nothing" : "known";
}
