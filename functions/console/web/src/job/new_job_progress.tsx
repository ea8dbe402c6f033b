import { useEffect, useSyncExternalStore } from "react";
import { Problem } from "../api/problem.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { number, plural } from "../ui/time.tsx";
import { BulkCommand } from "./bulk_command.tsx";
import { CancelJob } from "./new_job_leave.tsx";
import { bulkCommand } from "./new_job_request.ts";
import type { JobRun } from "./new_job_run.ts";
import { PASTED } from "./new_job_source.tsx";
import type { RunState, Step } from "./new_job_state.ts";

/** How far a job is that is being made, again after each change. */
export function useRun(run: JobRun): RunState {
  return useSyncExternalStore(run.subscribe, run.state);
}

const WORDS: Record<Step, string> = {
  creating: "Making the job",
  sending: "Sending the rows",
  starting: "Starting the job",
  stopped: "Stopped",
  failed: "Failed",
  sent: "All rows are there",
  started: "Started",
};

/** The making of a job: how far it is, what has failed, and how it goes on. */
export function RunProgress({ run, onCancelled }: { run: JobRun; onCancelled: () => void }) {
  const state = useRun(run);
  const { step, job, pages, rows } = state;
  const all = run.rows.reading;
  useSpoken(state, all.rows);
  const isHalted = step === "stopped" || step === "failed";
  return (
    <div className="stack">
      <p>
        <strong>{WORDS[step]}</strong> · {number(pages)} of {plural(all.firstRows.length, "page")}
        {job !== null && (
          <>
            {" "}
            · <span className="id">{job.id}</span>
          </>
        )}
      </p>
      <Progress label="Rows sent" done={rows} all={all.rows} />
      {step === "failed" && <Failure state={state} onRetry={() => void run.run()} />}
      {step === "stopped" && (
        <Notice kind="info" title="Stopped">
          {job === null
            ? "Nothing was deleted."
            : "What was sent stays there. The job waits for the rest, and deletes nothing."}
        </Notice>
      )}
      <div className="actions">
        {run.isMoving && <Button onClick={() => run.stop()}>Stop</Button>}
        {step === "stopped" && (
          <Button kind="primary" onClick={() => void run.run()}>
            Go on
          </Button>
        )}
        {isHalted && job === null && <Button onClick={onCancelled}>Discard</Button>}
        {isHalted && job !== null && <CancelJob id={job.id} text="Cancel this job" onDone={onCancelled} />}
      </div>
      {job !== null && step !== "started" && <InTerminal run={run} />}
    </div>
  );
}

/** What has failed: pages with their numbers, or the request or the file itself. */
function Failure({ state: { failed, problem }, onRetry }: { state: RunState; onRetry: () => void }) {
  const [first, ...others] = failed;
  if (first === undefined) return <ProblemNotice problem={asProblem(problem)} onRetry={onRetry} />;
  // Other rows are there under the number: the same again would be rejected again.
  const isConflict = first.problem.code === "page_conflict";
  return (
    <>
      <p>
        Page {number(first.number)} failed
        {others.length > 0 && <>, and so did {others.map((page) => number(page.number)).join(", ")}</>}.{" "}
        {isConflict
          ? "The file has changed since, or somebody has sent another file for the same job. Cancel this job, and begin again."
          : "Try again sends what has failed, then the rest. Nothing counts twice."}
      </p>
      {isConflict ? (
        <ProblemNotice problem={first.problem} />
      ) : (
        <ProblemNotice problem={first.problem} onRetry={onRetry} />
      )}
    </>
  );
}

/** A file that can't be read any more is told like an error of the API. */
function asProblem(problem: unknown): unknown {
  if (problem instanceof Problem || !(problem instanceof Error)) return problem;
  return problem.name === "Unreadable" ? new Problem(0, "unreadable_file", problem.message, null) : problem;
}

/** How a terminal can finish what this page has begun, where it can. */
function InTerminal({ run }: { run: JobRun }) {
  const { rows, request, key } = run;
  if (request.isDryRun) {
    return <p className="soft">Keep this page open until all rows are sent: a terminal can't finish this dry run.</p>;
  }
  if (rows.isGiven)
    return <p className="soft">The file is read as you have said, so only this page can finish the job.</p>;
  return (
    <details>
      <summary>Finish it in a terminal</summary>
      <div className="stack">
        <p>The same file, page size and idempotency key are the same job, within 24 hours of its making.</p>
        {rows.file.name === PASTED && <p>Save the rows that you have pasted as {PASTED} first, without any change.</p>}
        <p>
          Idempotency key: <code>{key}</code>
        </p>
        <BulkCommand command={bulkCommand(request, rows.file.name, key)} startAt={request.startAt} />
      </div>
    </details>
  );
}

/** Says each step, and each tenth of the rows. */
function useSpoken({ step, rows }: RunState, all: number): void {
  const tenth = all > 0 ? Math.floor((rows * 10) / all) * 10 : 0;
  const text = step === "sending" ? `${WORDS.sending}: ${tenth} %` : WORDS[step];
  useEffect(() => announce(text), [text]);
}
