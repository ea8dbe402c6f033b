import { serverNow } from "../api/clock.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Facts } from "../ui/facts.tsx";
import { ConsentForm, consentTo } from "./consent.tsx";
import { type Control, isDeletion, isTimed, told } from "./control.ts";
import { type ControlInput, type Job, scopeOf, useControl } from "./query.ts";
import { laterOf, soon } from "./start_at.ts";
import { targets } from "./words.ts";
import { LostDeletion, WriteProblem } from "./write_problem.tsx";

type AskedControl = Exclude<Control, "pause" | "resume" | "execute">;

interface ControlDialogProps {
  job: Job;
  control: AskedControl;
  onClose: () => void;
}

/** Says what a control will and won't do, and asks before it. What deletes needs a consent. */
export function ControlDialog({ job, control, onClose }: ControlDialogProps) {
  const write = useControl(job.id, onClose, isTimed(control, job) ? scopeOf(job.id, inputOf(control, job)) : undefined);
  const sentAt = write.sent?.start_at;
  return (
    <Dialog
      title={`${told(control, job, serverNow()).name.replace(" job", "")} this job?`}
      onClose={onClose}
      isBusy={write.isPending}
    >
      {write.isUncertain && sentAt ? (
        <LostDeletion write={write} startAt={laterOf(sentAt, job.start_at)} onClose={onClose} />
      ) : (
        <Asked job={job} control={control} onClose={onClose} write={write} />
      )}
    </Dialog>
  );
}

/** The question. A consent does not outlive it. */
function Asked({ job, control, onClose, write }: ControlDialogProps & { write: ReturnType<typeof useControl> }) {
  const { name, will, wont } = told(control, job, serverNow(), useSession().details.space);
  return (
    <ConsentForm
      label={isDeletion(control, job) ? consent(control, job) : null}
      name={name}
      isDanger={control === "cancel"}
      isBusy={write.isPending}
      onSend={() => write.run({ ...inputOf(control, job), ...(isTimed(control, job) && { start_at: soon() }) })}
      beside={<Button onClick={onClose}>Close</Button>}
    >
      <Facts facts={{ "What it does": will, "What it does not": wont }} />
      <WriteProblem write={write} />
    </ConsentForm>
  );
}

/** What is asked of a job as it is shown. */
export function inputOf(control: Exclude<Control, "execute">, job: Job): ControlInput {
  if (control === "start") return { control, expected_rows: job.rows };
  const members = control === "approve" && job.segment_id ? job.expected_members : null;
  return { control, ...(typeof members === "number" && { expected_members: members }) };
}

/** What somebody agrees to, with the number. */
function consent(control: AskedControl, job: Job): string {
  if (control === "redrive") {
    return `I want what the failed rows name to be deleted for good: up to ${targets(job, job.counts.failed ?? 0)}.`;
  }
  const count = job.segment_id ? (job.expected_members ?? job.remaining) : job.remaining;
  return consentTo(`up to ${targets(job, count)}`);
}
