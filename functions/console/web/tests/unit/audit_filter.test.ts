import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyAtEnd } from "../../src/audit/empty_pages.ts";
import { Export } from "../../src/audit/export.ts";
import { commandOf, EMPTY_DRAFT, filterOf, pathOf, rangeFault } from "../../src/audit/filter.ts";
import type { AuditEvent } from "../../src/audit/search.ts";

const NOW = new Date("2026-11-22T09:30:00.000Z");

test("a filter has what was entered, and nothing else", () => {
  assert.deepEqual(filterOf(EMPTY_DRAFT, NOW), { from: "2026-11-15T09:30:00.000Z" });
  assert.deepEqual(filterOf({ ...EMPTY_DRAFT, period: "all" }, NOW), {});
  const draft = { ...EMPTY_DRAFT, period: "all" as const, job_id: " job_1 ", event: "job.created", value: " a b " };
  assert.deepEqual(filterOf(draft, NOW), { event: "job.created", job_id: "job_1", identifier: "email: a b " });
  const own = { ...EMPTY_DRAFT, period: "own" as const, from: "2026-11-01T00:00", to: "" };
  assert.deepEqual(filterOf(own, NOW), { from: new Date("2026-11-01T00:00").toISOString() });
  assert.equal(rangeFault(own), null);
  assert.match(rangeFault({ ...own, to: "2026-10-31T00:00" }) ?? "", /later/);
});

test("a search is a path and a command", () => {
  const filter = { from: "2026-11-15T09:30:00.000Z", token_id: "tok_1", identifier: "email:a&b@c" };
  const path = "/audit_events?from=2026-11-15T09%3A30%3A00.000Z&token_id=tok_1&identifier=email%3Aa%26b%40c";
  assert.equal(pathOf(filter), path);
  assert.equal(pathOf({}), "/audit_events");
  const words = ["--from", "2026-11-15T09:30:00.000Z", "--token", "tok_1", "--identifier", "email:a&b@c"];
  assert.deepEqual(commandOf(filter), ["audit", "search", ...words]);
});

test("empty pages at the end are counted", () => {
  const pages = (...sizes: number[]) => sizes.map((size) => ({ data: Array(size).fill(0) }));
  assert.deepEqual(
    [[], [1], [0], [1, 0, 0], [0, 0, 1]].map((sizes) => emptyAtEnd(pages(...sizes))),
    [0, 0, 1, 2, 0],
  );
});

test("an export reads all pages, goes on where it was stopped, and never twice", async () => {
  const event = (index: number) => ({ index, time: NOW.toISOString(), event: "job.created" }) as AuditEvent;
  const pages = [[event(3), event(2)], [], [event(1)], [event(0)]];
  const control = new AbortController();
  let isFailing = true;
  const read = async (next: string) => {
    const at = Number(next || 0);
    if (at === 2 && isFailing) throw new Error("no response");
    const cursor = { has_more: at < pages.length - 1, next: String(at + 1) };
    return { data: pages[at] ?? assert.fail(), cursor };
  };
  const found = new Export();
  await assert.rejects(
    found.run(read, control.signal, () => {}),
    /no response/,
  );
  assert.deepEqual([found.count, found.isWhole], [2, false]);
  isFailing = false;
  await found.run(read, control.signal, () => control.abort());
  assert.deepEqual([found.count, found.isWhole], [3, false]);
  await found.run(read, new AbortController().signal, () => {});
  const lines = found.lines.join("").trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).index),
    [3, 2, 1, 0],
  );
  assert.equal(found.isWhole, true);
});
