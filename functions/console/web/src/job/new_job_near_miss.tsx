import type { Schemas } from "../api/client.ts";
import type { Change, Form } from "../rows/change.ts";
import { Button } from "../ui/button.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { number } from "../ui/time.tsx";
import { useWork } from "../ui/work.ts";
import { type NearMiss, NearMissNotice } from "./near_miss.tsx";
import { MOST, nearMissRows, OFFERS } from "./new_job_near_miss_rows.ts";
import type { JobRun } from "./new_job_run.ts";

interface NearMissesProps {
  job: string;
  plan: Schemas["Plan"];
  /** The dry run. */
  run: JobRun;
  onChange: (change: Change) => void;
}

/** Offers to make another dry run of a copy, in which rows that are not found are written as they would be. */
export function NearMisses({ job, plan, run, onChange }: NearMissesProps) {
  const { isRunning, done, problem, start } = useWork();
  const copy = (kind: NearMiss, form: Form) =>
    void start(async (signal, onSeen) => {
      onChange({ form, rows: await nearMissRows(job, kind, run.rowAt, signal, onSeen) });
    });
  const reason =
    plan.not_found > MOST ? `Only up to ${number(MOST)} rows that are not found can be looked through.` : null;
  const offers = (kind: NearMiss) => (
    <div className="actions">
      {OFFERS[kind].map(([form, words]) => (
        <Button key={form} reason={reason} isBusy={isRunning} onClick={() => copy(kind, form)}>
          Make a copy with {plan[kind] === 1 ? "this row" : "these rows"} {words}
        </Button>
      ))}
    </div>
  );
  return (
    <NearMissNotice plan={plan} each={offers}>
      {isRunning && <Progress label="Rows looked through" done={done} all={plan.not_found} />}
      {problem !== null && <ProblemNotice problem={problem} />}
      <p>The copy gets a dry run of its own. Your file and all other rows stay as they are.</p>
    </NearMissNotice>
  );
}
