import { type FormEvent, useState } from "react";
import { serverNow } from "../api/clock.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { CheckField } from "../ui/field.tsx";
import { type Control, isDeletion, told } from "./control.ts";
import { type ControlInput, type Job, useControl } from "./query.ts";
import { targets } from "./words.ts";
import { WriteProblem } from "./write_problem.tsx";

type AskedControl = Exclude<Control, "pause" | "resume" | "execute">;

interface ControlDialogProps {
  job: Job;
  control: AskedControl;
  onClose: () => void;
}

/** Says what a control will and won't do, and asks before it. What deletes needs a consent. */
export function ControlDialog({ job, control, onClose }: ControlDialogProps) {
  const [isAgreed, setAgreed] = useState(false);
  const { run, isPending, problem } = useControl(job.id, onClose);
  const { name, will, wont } = told(control, job, serverNow());
  const needsConsent = isDeletion(control, job);
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (isAgreed || !needsConsent) run(inputOf(control, job));
  };
  return (
    <Dialog title={`${name.replace(" job", "")} this job?`} onClose={onClose} isBusy={isPending}>
      <form className="stack" onSubmit={send}>
        <WillAndWont will={will} wont={wont} />
        {needsConsent && (
          <CheckField
            label={consent(control, job)}
            checked={isAgreed}
            onChange={(event) => setAgreed(event.target.checked)}
          />
        )}
        <WriteProblem problem={problem} />
        <div className="actions">
          <Button
            kind={needsConsent || control === "cancel" ? "danger" : "primary"}
            type="submit"
            isBusy={isPending}
            reason={needsConsent && !isAgreed ? "Tick the box first." : null}
          >
            {needsConsent ? "Confirm Delete" : name}
          </Button>
          <Button onClick={onClose}>Close</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What happens, and what does not. */
export function WillAndWont({ will, wont }: { will: string; wont: string }) {
  return (
    <dl className="facts">
      <div>
        <dt>What it does</dt>
        <dd>{will}</dd>
      </div>
      <div>
        <dt>What it does not</dt>
        <dd>{wont}</dd>
      </div>
    </dl>
  );
}

function inputOf(control: AskedControl, job: Job): ControlInput {
  if (control !== "approve") return { control };
  return { control, expected_members: job.segment_id ? (job.expected_members ?? null) : null };
}

/** What somebody agrees to, with the number. */
function consent(control: AskedControl, job: Job): string {
  if (control === "redrive") {
    return `I want what the failed rows name to be deleted for good: up to ${targets(job, job.counts.failed ?? 0)}.`;
  }
  const count = job.segment_id ? (job.expected_members ?? job.remaining) : job.remaining;
  return `I want up to ${targets(job, count)} to be deleted for good.`;
}
