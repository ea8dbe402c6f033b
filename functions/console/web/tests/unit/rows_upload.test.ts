import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import { wait } from "../../src/api/wait.ts";
import type { Page } from "../../src/rows/page.ts";
import { type Attempt, PARALLEL, sendAgain, upload } from "../../src/rows/upload.ts";
import { signal } from "./row_files.ts";

const problem = (status: number, code: string) => new Problem(status, code, `${status}`, null);
const failed = (status: number, code = `http_${status}`, retryAfterMs: number | null = null): Failed => ({
  problem: problem(status, code),
  retryAfterMs,
});

type Failed = Extract<Attempt<never>, { problem: Problem }>;

/** Notes how long it was to wait, and does not. */
function noted(waits: number[]) {
  return async (milliseconds: number) => void waits.push(milliseconds);
}

async function* pages(count: number): AsyncGenerator<Page> {
  for (let number = 1; number <= count; number++) yield { number, firstRow: number, count: 1, rows: '["email:a"]' };
}

test("what passes is tried again as efface does", async () => {
  for (const status of [0, 429, 502, 503, 504, 408]) {
    const waits: number[] = [];
    let sent = 0;
    const result = await sendAgain(async () => (++sent < 3 ? failed(status) : { value: sent }), noted(waits), signal);
    assert.deepEqual([result, sent], [{ value: 3 }, 3]);
    assert.ok(
      waits.every((milliseconds, place) => milliseconds >= 170 * 2 ** place && milliseconds <= 340 * 2 ** place),
    );
  }
  for (const [status, code] of [
    [400, "bad_request"],
    [401, "unauthorized"],
    [403, "stopped"],
    [408, "not_settled"],
    [409, "page_conflict"],
    [413, "payload_too_large"],
    [500, "internal_error"],
  ] as const) {
    let sent = 0;
    const send = async () => {
      sent += 1;
      return failed(status, code);
    };
    const result = await sendAgain(send, noted([]), signal);
    assert.deepEqual([result.problem?.code, sent], [code, 1]);
  }
});

test("it is given up after 7 attempts, or where it would have to wait for long", async () => {
  const waits: number[] = [];
  let sent = 0;
  const send = async () => {
    sent += 1;
    return failed(503);
  };
  const busy = await sendAgain(send, noted(waits), signal);
  assert.deepEqual([busy.problem?.status, sent, waits.length], [503, 7, 6]);
  assert.ok(waits.reduce((all, one) => all + one) <= 21_420);
  const told: number[] = [];
  await sendAgain(
    async () => (told.length < 2 ? failed(429, "rate_limit_error", 1_000) : { value: 1 }),
    noted(told),
    signal,
  );
  assert.deepEqual(told, [1_000, 1_000]);
  const long = await sendAgain(async () => failed(503, "x", 61_000), noted([]), signal);
  assert.equal(long.problem?.status, 503);
});

test("pages are sent some at a time, and each arrives once", async () => {
  const [arrived, order] = [new Set<number>(), [] as number[]];
  let [now, most] = [0, 0];
  const send = async ({ number }: Page) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, number % 3));
    now -= 1;
    return { value: number };
  };
  const onArrived = ({ number }: Page) => void order.push(number);
  assert.deepEqual(await upload({ pages: pages(20), arrived, send, onArrived, wait: noted([]), signal }), []);
  assert.deepEqual([most, arrived.size, order.length], [PARALLEL, 20, 20]);
});

test("after a page that fails no other is begun, and the next try sends what is missing", async () => {
  const arrived = new Set<number>();
  const sent: number[] = [];
  let isBroken = true;
  const all = {
    arrived,
    send: async ({ number }: Page) => {
      sent.push(number);
      return number === 7 && isBroken ? failed(409, "page_conflict") : { value: number };
    },
    onArrived: () => undefined,
    wait: noted([]),
    signal,
  };
  const problems = await upload({ ...all, pages: pages(30) });
  assert.deepEqual(
    problems.map(({ number, problem: { code } }) => [number, code]),
    [[7, "page_conflict"]],
  );
  assert.ok(sent.length <= 7 + PARALLEL);
  const before = [...sent];
  isBroken = false;
  assert.deepEqual(await upload({ ...all, pages: pages(30) }), []);
  assert.equal(arrived.size, 30);
  const again = sent.slice(before.length);
  assert.equal(new Set(again).size, again.length);
  assert.ok(again.includes(7) && !again.some((number) => number !== 7 && before.includes(number)));
});

test("an upload that is stopped ends with what has arrived", async () => {
  const stop = new AbortController();
  const arrived = new Set<number>();
  const send = async ({ number }: Page): Promise<Attempt<number>> => {
    if (number === 5) stop.abort();
    stop.signal.throwIfAborted();
    return { value: number };
  };
  const stopped = upload({ pages: pages(9), arrived, send, onArrived: () => undefined, wait, signal: stop.signal });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.deepEqual([...arrived].sort(), [1, 2, 3, 4]);
  await assert.rejects(wait(1_000, stop.signal), { name: "AbortError" });
});
