import { Commands } from "../ui/commands.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { number, plural } from "../ui/time.tsx";
import { useNow } from "./now.ts";
import { OutcomeBar, OutcomeLegend } from "./outcome_bar.tsx";
import { isOver } from "./poll.ts";
import { type Job, jobPath } from "./query.ts";
import { StateTag } from "./state_tag.tsx";
import { doneOf, progressOf, verdictOf } from "./words.ts";

const TICK_MS = 5_000;

/** How far a job is, and how it ended. */
export function JobProgress({ job }: { job: Job }) {
  const now = useNow(TICK_MS);
  const verdict = verdictOf(job);
  const { rows, rows_per_second } = job;
  return (
    <Card title="Progress" actions={<StateTag job={job} />}>
      {job.dry_run && <p className="soft">This is a dry run: it deletes nothing. The numbers say what would be.</p>}
      <p className="sentence">{progressOf(job, now)}</p>
      {verdict !== null && <p>{verdict}</p>}
      {rows > 0 && (
        <>
          <progress className="visually-hidden" aria-label="Rows with an outcome" value={doneOf(job)} max={rows} />
          <OutcomeBar {...job} />
          <OutcomeLegend of={job} isDryRun={job.dry_run} />
        </>
      )}
      {job.state === "running" && rows_per_second ? (
        <p className="soft">{number(Math.round(rows_per_second * 10) / 10)} rows a second since it was started.</p>
      ) : null}
      <Halted job={job} />
      <Commands path={jobPath(job.id)} command={["jobs", "status", job.id, ...(isOver(job) ? [] : ["--watch"])]} />
    </Card>
  );
}

/** What keeps a job from going on, and whether its numbers are final. */
function Halted({ job: { state, stopped, running_chunks } }: { job: Job }) {
  const isHalted = state === "pausing" || state === "paused" || state === "cancelling" || state === "cancelled";
  return (
    <>
      {stopped && (
        <Notice kind="warning" title="An operator has stopped deletions">
          The job goes on when the operator lets it.
        </Notice>
      )}
      {isHalted && running_chunks > 0 && (
        <p className="soft">{plural(running_chunks, "chunk")} still run: the numbers are not final yet.</p>
      )}
    </>
  );
}
