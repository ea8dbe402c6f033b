/** For how long the console waits for the log by itself, in seconds. */
export const MOST_SECONDS = 30;

/** The API has the deletion, and its log does not have it yet. */
export class NotLoggedYet extends Error {
  override name = "NotLoggedYet";
}

/**
 * Asks for a receipt until the log has it, as often as the API says. Gives up after {@link MOST_SECONDS}, with a
 * {@link NotLoggedYet}.
 */
export async function whenLogged(
  ask: () => Promise<{ text: string } | { wait: number }>,
  pause: (seconds: number) => Promise<void>,
  onWait: () => void,
): Promise<string> {
  for (let waited = 0; ; ) {
    const answer = await ask();
    if ("text" in answer) return answer.text;
    if (waited >= MOST_SECONDS) throw new NotLoggedYet("The audit log does not have this deletion yet.");
    const seconds = Math.min(Math.max(answer.wait, 1), MOST_SECONDS - waited);
    onWait();
    await pause(seconds);
    waited += seconds;
  }
}

/** Waits, unless the signal says to stop. */
export function pausing(signal: AbortSignal): (seconds: number) => Promise<void> {
  return (seconds) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1_000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
}

/** The name of a receipt's file: by the index of its entry, and never by what it is about. */
export function fileName(text: string): string {
  const index = /^index (\d+)$/m.exec(text)?.[1];
  return index === undefined ? "receipt.txt" : `receipt-${index}.txt`;
}
