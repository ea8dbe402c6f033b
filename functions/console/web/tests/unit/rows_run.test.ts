import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import type { JobApi } from "../../src/job/new_job_api.ts";
import { bulkCommand, createBody, type NewJobRequest } from "../../src/job/new_job_request.ts";
import { JobRun } from "../../src/job/new_job_run.ts";
import type { Rows } from "../../src/job/new_job_state.ts";
import type { Attempt } from "../../src/rows/upload.ts";
import { fileOf, read } from "./row_files.ts";

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

const JOB = { id: "job_1", state: "open", rows: 0, remaining: 0 };

interface Sent {
  what: string;
  body?: string;
  key?: string;
}

/** An API that keeps what it is sent, and answers as it is told. */
function fakeApi(answer: (sent: Sent, count: number) => Failed | null = () => null) {
  const all: Sent[] = [];
  const counts = new Map<string, number>();
  const respond = async (sent: Sent, value: unknown) => {
    all.push(sent);
    const count = (counts.get(sent.what) ?? 0) + 1;
    counts.set(sent.what, count);
    return answer(sent, count) ?? { value: value as never };
  };
  const page = { job: JOB, accepted: 0, rejected: [{ row: 1, code: "x", message: "no" }], rejected_total: 1 };
  const api: JobApi = {
    create: (body, key) =>
      respond({ what: "create", body, key }, { ...page, plan: body.includes("open") ? null : { rows: 2 } }),
    addPage: (_, body) => respond({ what: `page ${/"page":(\d+)/.exec(body)?.[1]}`, body }, page),
    start: (_, key) => respond({ what: "start", key }, { job: { ...JOB, state: "queued" } }),
    read: () => respond({ what: "read" }, { job: { ...JOB, state: "running" } }),
  };
  return { api, all };
}

async function rowsIn(count: number, last = "bob", other = "email:a"): Promise<Rows> {
  const file = fileOf(`${`${other}\n`.repeat(count - 1)}${last}\n`);
  const { format, reading } = await read(file);
  return { file, format, reading, isGiven: false, changes: [] };
}

const DRY_RUN = { action: "delete_profile", isDryRun: true, group: null, maxDeletions: null, startAt: null } as const;
const DELETION = { ...DRY_RUN, action: "delete_identifier", isDryRun: false } as const;

function runOf(rows: Rows, request: NewJobRequest, api: JobApi) {
  return new JobRun(rows, request, { api, wait: noted([]) }, "key-1");
}

test("a dry run of one page is one request", async () => {
  const { api, all } = fakeApi((_, count) => (count < 3 ? failed(0) : null));
  const run = runOf(await rowsIn(2), DRY_RUN, api);
  await run.run();
  assert.equal(all.length, 3, "a lost reply is asked for again");
  assert.deepEqual(
    new Set(all.map(({ key, body }) => `${key} ${body}`)),
    new Set(['key-1 {"action":"delete_profile","rows":["email:a","bob"],"dry_run":true}']),
  );
  const { step, plan, rows, rejections } = run.state();
  assert.deepEqual([step, plan, rows], ["started", { rows: 2 }, 2]);
  assert.deepEqual(rejections.groups[0]?.lines, [2]);
  assert.deepEqual([run.rowAt(0, 1), run.rowAt(0, 2)], [2, null], "it is page 0 there");
});

test("more pages are an open job, which is started when all are there", async () => {
  const { api, all } = fakeApi();
  const run = runOf(await rowsIn(25_000), DRY_RUN, api);
  await run.run();
  assert.equal(all[0]?.body, '{"action":"delete_profile","rows":[],"dry_run":true,"open":true}');
  assert.deepEqual(all.map(({ what }) => what).toSorted(), ["create", "page 1", "page 2", "page 3", "start"]);
  assert.equal(all.at(-1)?.what, "start");
  assert.deepEqual([run.state().step, run.state().rows, run.state().pages], ["started", 25_000, 3]);
  assert.equal(run.state().rejections.total, 3);
  const at = [run.rowAt(1, 0), run.rowAt(1, 9_999), run.rowAt(3, 4_999)];
  assert.deepEqual(at, [1, 10_000, 25_000]);
  assert.deepEqual([run.rowAt(1, 10_000), run.rowAt(3, 5_000), run.rowAt(4, 0)], [null, null, null]);
});

test("rows that take more pages in another form are all sent", async () => {
  const file = fileOf(`email:${"ΐ".repeat(1_990)}\n`.repeat(1_040));
  const { format, reading } = await read(file);
  const { api, all } = fakeApi();
  const changes = [{ form: "upper", rows: new Set(Array.from({ length: 1_000 }, (_, place) => place + 1)) }] as const;
  await runOf({ file, format, reading, isGiven: false, changes }, DRY_RUN, api).run();
  const sent = all.map(({ body = "{}" }) => (JSON.parse(body).rows ?? []).length);
  assert.ok(reading.firstRows.length === 1 && sent.length > 4);
  assert.equal(
    sent.reduce((sum, rows) => sum + rows, 0),
    1_040,
  );
});

test("after a failed page the same run goes on with it", async () => {
  const { api, all } = fakeApi((sent, count) => (sent.what === "page 2" && count <= 7 ? failed(503) : null));
  const run = runOf(await rowsIn(25_000), DRY_RUN, api);
  await run.run();
  assert.deepEqual([run.state().step, run.state().failed[0]?.number], ["failed", 2]);
  await run.run();
  assert.deepEqual([run.state().step, run.state().failed, run.state().rows], ["started", [], 25_000]);
  assert.equal(all.filter(({ what }) => what === "create").length, 1);
  assert.equal(new Set(all.filter(({ what }) => what === "page 2").map(({ body }) => body)).size, 1);
});

test("a job that deletes has its rows as efface bulk numbers them, and is not started", async () => {
  const { api, all } = fakeApi();
  const run = runOf(await rowsIn(10_001), { ...DELETION, startAt: "2026-11-22T09:30:00.123Z" }, api);
  await run.run();
  assert.deepEqual(
    all.map(({ what }) => what),
    ["create", "page 1", "page 2"],
  );
  const fields = '"start_at":"2026-11-22T09:30:00.123Z","open":true';
  assert.equal(all[0]?.body, `{"action":"delete_identifier","rows":[],${fields}}`);
  assert.equal(all[2]?.body, '{"page":2,"rows":["bob"]}');
  assert.deepEqual([run.state().step, run.state().rows, run.isMoving], ["sent", 10_001, false]);
  await run.run();
  assert.deepEqual([all.length, run.state().step], [3, "sent"], "nothing is left to send");
});

test("a job that deletes is open, however few rows it has", async () => {
  const { api, all } = fakeApi();
  const run = runOf(await rowsIn(2), DELETION, api);
  await run.run();
  assert.equal(all[0]?.body, '{"action":"delete_identifier","rows":[],"open":true}');
  assert.deepEqual([all.length, run.state().step, run.onlyRows], [2, "sent", null]);
});

test("a dry run tells its rows where they are one page: they go with the request that confirms", async () => {
  const one = runOf(await rowsIn(2), DRY_RUN, fakeApi().api);
  const more = runOf(await rowsIn(10_001), DRY_RUN, fakeApi().api);
  await Promise.all([one.run(), more.run()]);
  assert.deepEqual([one.onlyRows, more.onlyRows], ['["email:a","bob"]', null]);
});

test("a page that is long on a slow line is sent before somebody confirms", async () => {
  for (const [letter, count, isQuick] of [
    ["e", 260, true],
    ["e", 262, false],
    ["é", 140, false],
  ] as const) {
    const run = runOf(await rowsIn(count, "bob", `email:${letter.repeat(1_000)}`), DRY_RUN, fakeApi().api);
    await run.run();
    assert.deepEqual([run.state().pages, run.onlyRows !== null], [1, isQuick], `${count} rows of ${letter}`);
  }
});

test("an upload that is stopped goes on where it was, and deletes nothing", async () => {
  const { api, all } = fakeApi();
  let isCut = true;
  const addPage: JobApi["addPage"] = (id, body, signal) => {
    if (isCut && body.startsWith('{"page":2')) run.stop();
    return signal.aborted ? Promise.reject(signal.reason) : api.addPage(id, body, signal);
  };
  const run = runOf(await rowsIn(25_000), DELETION, { ...api, addPage });
  await run.run();
  assert.equal(run.state().step, "stopped");
  const before = all.length;
  isCut = false;
  await run.run();
  assert.deepEqual([run.state().step, run.state().rows, run.state().pages], ["sent", 25_000, 3]);
  assert.ok(before < all.length && !all.some(({ what }) => what === "start"));
  assert.equal(new Set(all.map(({ what }) => what)).size, all.length, "nothing was sent twice");
});

test("the start of a dry run is repeated under one key, and only where all rows are there", async () => {
  const { api, all } = fakeApi(({ what }, count) => (what === "start" && count <= 8 ? failed(0) : null));
  const run = runOf(await rowsIn(10_001), DRY_RUN, api);
  await run.run();
  assert.equal(run.state().step, "failed");
  await run.run();
  assert.equal(run.state().step, "started");
  const starts = all.filter(({ what }) => what === "start");
  assert.deepEqual([starts.length, new Set(starts.map(({ key }) => key)).size], [9, 1]);
  assert.equal(all.filter(({ what }) => what.startsWith("page")).length, 2);
});

test("a dry run that somebody has started on its own screen is followed", async () => {
  const rejected = ({ what }: Sent) => (what === "start" ? failed(409, "invalid_state") : null);
  const { api } = fakeApi(rejected);
  const run = runOf(await rowsIn(10_001), DRY_RUN, api);
  await run.run();
  assert.deepEqual([run.state().step, run.state().job?.state], ["started", "running"]);
  const read = async () => ({ value: { job: JOB } as never });
  const open = runOf(await rowsIn(10_001), DRY_RUN, { ...fakeApi(rejected).api, read });
  await open.run();
  assert.deepEqual([open.state().step, (open.state().problem as Problem).code], ["failed", "invalid_state"]);
});

test("a run that is stopped goes on later, and a rejected one says why", async () => {
  const { api, all } = fakeApi(({ what }, count) => (what === "create" && count === 1 ? failed(403, "stopped") : null));
  const run = runOf(await rowsIn(25_000), DRY_RUN, api);
  await run.run();
  assert.deepEqual([run.state().step, (run.state().problem as Problem).code], ["failed", "stopped"]);
  const going = run.run();
  run.stop();
  await going;
  assert.equal(run.state().step, "stopped");
  await run.run();
  assert.equal(run.state().step, "started");
  assert.equal(new Set(all.filter(({ what }) => what === "create").map(({ key, body }) => `${key} ${body}`)).size, 1);
});

test("the request that makes a job has the bytes of efface bulk, and the command its words", () => {
  const request = {
    action: "delete_profile",
    isDryRun: false,
    group: 'a "b"',
    maxDeletions: 5,
    startAt: "2026-11-28T01:03:44.394Z",
  } as const;
  assert.equal(
    createBody(request, "[]", true),
    '{"action":"delete_profile","rows":[],"group":"a \\"b\\"","max_deletions":5,"start_at":"2026-11-28T01:03:44.394Z","open":true}',
  );
  assert.equal(createBody(DRY_RUN, "[]", false), '{"action":"delete_profile","rows":[],"dry_run":true}');
  assert.equal(
    bulkCommand(request, "-x.csv", "k").join(" "),
    'bulk ./-x.csv --action delete_profile --page-size 10000 --group a "b" --max-deletions 5 --start-at 2026-11-28T01:03:44.394Z --idempotency-key k',
  );
});
