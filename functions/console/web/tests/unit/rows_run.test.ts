import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import type { JobApi } from "../../src/job/new_job_api.ts";
import { bulkCommand, createBody, groupFault, limitFault, startFault } from "../../src/job/new_job_request.ts";
import { JobRun } from "../../src/job/new_job_run.ts";
import type { Rows } from "../../src/job/new_job_state.ts";
import { canBeUndone, startAfterSending } from "../../src/job/new_job_time.ts";
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

async function rowsIn(count: number, last = "bob"): Promise<Rows> {
  const file = fileOf(`${"email:a\n".repeat(count - 1)}${last}\n`);
  const { format, reading } = await read(file);
  return { file, format, reading, isGiven: false, changes: [] };
}

const DRY_RUN = { action: "delete_profile", isDryRun: true, group: null, maxDeletions: null, startAt: null } as const;
const DELETION = {
  ...DRY_RUN,
  action: "delete_identifier",
  isDryRun: false,
  startAt: "2026-11-22T09:30:00.123Z",
} as const;

function runOf(rows: Rows, request: typeof DRY_RUN | typeof DELETION, api: JobApi, mayStart = () => true) {
  return new JobRun(rows, request, { api, wait: noted([]), mayStart }, "key-1");
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

test("a real job of one page is one request, and that of more has them as efface bulk numbers them", async () => {
  const one = fakeApi();
  const run = runOf(await rowsIn(2), DELETION, one.api);
  await run.run();
  const fields = '"start_at":"2026-11-22T09:30:00.123Z"';
  const body = `{"action":"delete_identifier","rows":["email:a","bob"],${fields}}`;
  assert.deepEqual([one.all, run.state().step], [[{ what: "create", key: "key-1", body }], "started"]);
  const more = fakeApi();
  await runOf(await rowsIn(10_001), DELETION, more.api).run();
  const [made, , second] = more.all;
  assert.deepEqual(made?.body, `{"action":"delete_identifier","rows":[],${fields},"open":true}`);
  assert.equal(second?.body, '{"page":2,"rows":["bob"]}');
});

test("a job that could not be undone waits for somebody to start it", async () => {
  const { api, all } = fakeApi();
  const run = runOf(await rowsIn(10_001), DELETION, api, () => false);
  await run.run();
  assert.deepEqual([run.state().step, all.some(({ what }) => what === "start")], ["held", false]);
  await run.start();
  assert.equal(run.state().step, "started");
});

test("a lost request that would begin a job is repeated only while that can be undone", async () => {
  const { api, all } = fakeApi(() => failed(0));
  const isInTime = () => all.length < 3;
  const run = runOf(await rowsIn(2), DELETION, api, isInTime);
  await run.run();
  await run.run();
  assert.deepEqual([all.length, run.state().step, run.state().isLost], [3, "failed", true]);
  const early = fakeApi(() => failed(403));
  const rejected = runOf(await rowsIn(2), DELETION, early.api);
  await rejected.run();
  assert.equal(rejected.state().isLost, false);
});

test("whether a job was started is read where the time is over", async () => {
  const { api, all } = fakeApi(({ what }) => (what === "start" ? failed(0) : null));
  const run = runOf(await rowsIn(10_001), DELETION, api, () => !all.some(({ what }) => what === "start"));
  await run.run();
  const { step, job, isLost } = run.state();
  assert.deepEqual([step, job?.state, isLost], ["started", "running", false]);
});

test("a request that lets a job begin is not stopped", async () => {
  const seen: boolean[] = [];
  const { api } = fakeApi();
  const run = runOf(await rowsIn(10_001), DELETION, {
    ...api,
    start: (id, key, signal) => {
      seen.push(run.canStop);
      run.stop();
      seen.push(signal.aborted);
      return api.start(id, key, signal);
    },
  });
  await run.run();
  assert.deepEqual([seen, run.state().step], [[false, false], "started"]);
});

test("a job that another run has started is followed", async () => {
  const { api } = fakeApi(({ what }) => (what === "start" ? failed(409, "invalid_state") : null));
  const run = runOf(await rowsIn(10_001), DELETION, api);
  await run.run();
  assert.deepEqual([run.state().step, run.state().job?.state], ["started", "running"]);
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

test("limits are checked as the API checks them", () => {
  for (const label of ["", "run 7", "~!"]) assert.equal(groupFault(label), null);
  for (const label of [" a", "a ", "é", "a\tb", "x".repeat(129)]) assert.notEqual(groupFault(label), null, label);
  for (const text of ["", " 7 ", "50000"]) assert.equal(limitFault(text), null);
  for (const text of ["0", "-1", "1.5", "x", "1e3"]) assert.notEqual(limitFault(text), null, text);
  const now = new Date("2026-11-22T09:30:00Z");
  assert.equal(startFault("2026-12-01T10:00Z", now), null);
  for (const text of ["", "x", "2026-11-22T09:00Z", "2027-01-01T00:00Z"])
    assert.notEqual(startFault(text, now), null, text);
});

test("there is time to undo a job once its rows are there", () => {
  const now = new Date("2026-11-22T09:30:00Z");
  assert.equal(startAfterSending(10_000, now), "2026-11-22T09:31:20.000Z");
  const at = (startAt: string) => canBeUndone({ ...DELETION, startAt } as never, now);
  assert.deepEqual([at("2026-11-22T09:30:15Z"), at("2026-11-22T09:30:14Z")], [true, false]);
  assert.ok(canBeUndone(DRY_RUN, now));
});
