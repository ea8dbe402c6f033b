import { wait } from "../api/wait.ts";

/** For how long the console waits for the log by itself, in seconds. */
export const MOST_SECONDS = 30;

/** The API has the deletion, and its log does not have it yet. */
export class NotLoggedYet extends Error {
  override name = "NotLoggedYet";
}

/** For how many seconds to wait, before it is asked again. */
export interface Wait {
  wait: number;
}

/**
 * Asks until the log has what is asked for, as often as the API says. Gives up after {@link MOST_SECONDS}, with a
 * {@link NotLoggedYet}.
 */
export async function whenLogged<T extends object>(
  ask: () => Promise<T | Wait>,
  pause: (seconds: number) => Promise<void>,
  onWait: () => void = () => {},
): Promise<T> {
  for (let waited = 0; ; ) {
    const answer = await ask();
    if (!("wait" in answer)) return answer;
    if (waited >= MOST_SECONDS) throw new NotLoggedYet("The audit log does not have this deletion yet.");
    const seconds = Math.min(Math.max(answer.wait, 1), MOST_SECONDS - waited);
    onWait();
    await pause(seconds);
    waited += seconds;
  }
}

/** Waits some seconds, unless the signal says to stop. */
export function pausing(signal: AbortSignal): (seconds: number) => Promise<void> {
  return (seconds) => wait(seconds * 1_000, signal);
}

/** The name of a receipt's file: by the index of its entry, and never by what it is about. */
export function fileName(text: string): string {
  const index = /^index (\d+)$/m.exec(text)?.[1];
  return index === undefined ? "receipt.txt" : `receipt-${index}.txt`;
}
