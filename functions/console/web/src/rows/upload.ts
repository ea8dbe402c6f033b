import type { Problem } from "../api/problem.ts";
import type { Page } from "./page.ts";

/** What became of a request that was sent once. */
export type Attempt<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly problem: Problem /** As the response says. */; readonly retryAfterMs: number | null };

/** Waits, and ends with an error where the signal is given. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** The policy of `efface` for requests to the API (`functions/aws/src/backoff.rs`): 11 to 22 seconds in all. */
const ATTEMPTS = 7;
const FIRST_PAUSE_MS = 170;
const LONGEST_PAUSE_MS = 5_440;

/** With a longer `Retry-After` the request fails at once. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Pages that are sent at the same time. */
export const PARALLEL = 4;

/** A page that was not accepted, and why. */
export interface FailedPage {
  readonly number: number;
  readonly problem: Problem;
}

/**
 * Sends a request, and repeats it while there is no response or one that passes. What it repeats must count once only: it has
 * an idempotency key, or is a page with its number.
 */
export async function sendAgain<T>(
  send: () => Promise<Attempt<T>>,
  wait: Wait,
  signal: AbortSignal,
): Promise<Attempt<T>> {
  for (let attempt = 1; ; attempt++) {
    const sent = await send();
    if (sent.problem === undefined) return sent;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS) * (1 + Math.random());
    const delay = sent.retryAfterMs ?? pause;
    if (!isPassing(sent.problem) || attempt === ATTEMPTS || delay > LONGEST_RETRY_AFTER_MS) return sent;
    await wait(delay, signal);
  }
}

/** Whether the same request may succeed soon. 502 and 504 are of a gateway that has lost the response. */
function isPassing({ status, code }: Problem): boolean {
  return [0, 429, 502, 503, 504].includes(status) || (status === 408 && code !== "not_settled");
}

export interface Upload<T> {
  /** The pages in their order. They are made as they are sent. */
  readonly pages: AsyncIterable<Page>;
  /** The numbers of pages that have arrived; they are not sent again. */
  readonly arrived: Set<number>;
  readonly send: (page: Page) => Promise<Attempt<T>>;
  readonly onArrived: (page: Page, value: T) => void;
  readonly wait: Wait;
  readonly signal: AbortSignal;
}

/**
 * Sends all pages that have not arrived, some at a time. After a page that fails, no other is begun. Returns the pages that
 * have failed; the same again sends them once more, and the rest.
 */
export async function upload<T>({ pages, arrived, send, onArrived, wait, signal }: Upload<T>): Promise<FailedPage[]> {
  const failed: FailedPage[] = [];
  const sending = new Set<Promise<void>>();
  const sendPage = async (page: Page) => {
    const sent = await sendAgain(() => send(page), wait, signal);
    if (sent.problem !== undefined) {
      failed.push({ number: page.number, problem: sent.problem });
      return;
    }
    arrived.add(page.number);
    onArrived(page, sent.value);
  };
  const sendAll = async () => {
    for await (const page of pages) {
      if (failed.length > 0) return;
      if (arrived.has(page.number)) continue;
      const sent = sendPage(page).then(() => void sending.delete(sent));
      // One that was stopped stays, and is looked at below.
      sent.catch(() => undefined);
      sending.add(sent);
      if (sending.size === PARALLEL) await Promise.race(sending);
    }
  };
  // What was sent has its end before this has.
  const all = await Promise.allSettled([sendAll()]);
  const ended = [...all, ...(await Promise.allSettled(sending))];
  const stopped = ended.find((end) => end.status === "rejected");
  if (stopped !== undefined) throw stopped.reason;
  return failed.sort((one, other) => one.number - other.number);
}
