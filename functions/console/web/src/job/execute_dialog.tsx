import { type FormEvent, useState } from "react";
import { serverNow } from "../api/clock.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { CheckField, TextField } from "../ui/field.tsx";
import { navigate } from "../ui/route.tsx";
import { told } from "./control.ts";
import { WillAndWont } from "./control_dialog.tsx";
import { type Job, useExecute } from "./query.ts";
import { targets } from "./words.ts";
import { WriteProblem } from "./write_problem.tsx";

/** Asks before the plan of a dry run is executed, and leads to the job that does it. */
export function ExecuteDialog({ job, onClose }: { job: Job; onClose: () => void }) {
  const [isAgreed, setAgreed] = useState(false);
  const [limit, setLimit] = useState("");
  const { run, isPending, problem } = useExecute(job.id, (made) => navigate(`/jobs/${made.id}`));
  const isLimitBad = limit.trim() !== "" && !/^[1-9]\d{0,14}$/.test(limit.trim());
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (isAgreed && !isLimitBad) run({ max_deletions: limit.trim() === "" ? null : Number(limit) });
  };
  const { will, wont } = told("execute", job, serverNow());
  return (
    <Dialog title="Execute the plan?" onClose={onClose} isBusy={isPending}>
      <form className="stack" onSubmit={send}>
        <WillAndWont will={will} wont={wont} />
        <TextField
          label="Max deletions (optional)"
          hint="The job pauses after so many deletions, and waits for somebody to resume it."
          inputMode="numeric"
          value={limit}
          error={isLimitBad ? "Enter a whole number from 1 on, or nothing." : null}
          onChange={(event) => setLimit(event.target.value)}
        />
        <CheckField
          label={`I want ${targets(job, job.counts.deleted ?? 0)} to be deleted for good.`}
          checked={isAgreed}
          onChange={(event) => setAgreed(event.target.checked)}
        />
        <WriteProblem problem={problem} />
        <div className="actions">
          <Button kind="danger" type="submit" isBusy={isPending} reason={isAgreed ? null : "Tick the box first."}>
            Confirm Delete
          </Button>
          <Button onClick={onClose}>Close</Button>
        </div>
      </form>
    </Dialog>
  );
}
