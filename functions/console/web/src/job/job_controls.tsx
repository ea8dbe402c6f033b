import { useState } from "react";
import { serverNow } from "../api/clock.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Card } from "../ui/page.tsx";
import { type Control, controlsOf, isDeletion, isTimed, type Offer, told } from "./control.ts";
import { ControlDialog, inputOf } from "./control_dialog.tsx";
import { AtOnce, ExecuteDialog } from "./execute_form.tsx";
import { Approvers, PausedBy } from "./halt.tsx";
import { bodyOf, type Job, jobPath, useControl } from "./query.ts";
import { WriteProblem } from "./write_problem.tsx";

/** A control that is asked about before. */
type DialogControl = Exclude<Control, "pause" | "resume">;

/** What can be asked of the job now. Each control says before what it will and won't do. */
export function JobControls({ job }: { job: Job }) {
  const { details } = useSession();
  const [open, setOpen] = useState<DialogControl | null>(null);
  const close = () => setOpen(null);
  // While a job waits for its time, its only control stands beside the countdown.
  const offers = job.state === "scheduled" ? [] : controlsOf(job, details, serverNow());
  // A question that fits no more is not asked again when it fits once more.
  if (open !== null && offers.every(({ control }) => control !== open)) close();
  if (offers.length === 0) return null;
  return (
    <Card title="Controls">
      {job.state === "awaiting_approval" && <Approvers job={job} />}
      {(job.state === "paused" || job.state === "pausing") && <PausedBy job={job} />}
      <div className="controls">
        {offers.map((offer) =>
          offer.control === "pause" || offer.control === "resume" ? (
            // One button with two faces: the focus stays on it.
            <Switch key="switch" job={job} control={offer.control} reason={offer.reason} />
          ) : (
            <Opener
              key={offer.control}
              job={job}
              offer={offer}
              onOpen={() => setOpen(offer.control as DialogControl)}
            />
          ),
        )}
      </div>
      <AsCommands job={job} controls={offers.map(({ control }) => control)} />
      {open === "execute" ? (
        <ExecuteDialog job={job} onClose={close} />
      ) : (
        // Whoever approves sees other members of the segment as another question.
        open && <ControlDialog key={job.expected_members ?? ""} job={job} control={open} onClose={close} />
      )}
    </Card>
  );
}

/** Pause or resume: each is undone by the other, so nobody is asked. */
function Switch({ job, control, reason }: { job: Job; control: "pause" | "resume"; reason: string | null }) {
  const write = useControl(job.id);
  const { name, will, wont } = told(control, job, serverNow());
  return (
    <div className="control">
      <Button kind="primary" reason={reason} isBusy={write.isPending} onClick={() => write.run({ control })}>
        {name}
      </Button>
      <small>
        {will} {wont}
      </small>
      <WriteProblem write={write} />
    </div>
  );
}

function Opener({ job, offer: { control, reason }, onOpen }: { job: Job; offer: Offer; onOpen: () => void }) {
  const { name, will } = told(control, job, serverNow(), useSession().details.space);
  return (
    <div className="control">
      <Button
        kind={isDeletion(control, job) ? "danger" : "plain"}
        reason={reason}
        aria-haspopup="dialog"
        onClick={onOpen}
      >
        {name}
      </Button>
      <small>{will}</small>
    </div>
  );
}

function AsCommands({ job, controls }: { job: Job; controls: readonly Control[] }) {
  return (
    <details>
      <summary>The controls as commands</summary>
      {controls.map((control) => (
        <div key={control} className="row">
          <span>{told(control, job, serverNow()).name}</span>
          <AsCommand job={job} control={control} />
        </div>
      ))}
    </details>
  );
}

/** A control as commands, without the minute that its button leaves. */
export function AsCommand({ job, control }: { job: Job; control: Control }) {
  return (
    <>
      <Commands
        method="POST"
        path={`${jobPath(job.id)}/${control}`}
        body={control === "execute" ? undefined : bodyOf(inputOf(control, job))}
        command={["jobs", control, job.id]}
      />
      {isTimed(control, job) && !(Date.parse(job.start_at ?? "") > serverNow().getTime()) && <AtOnce />}
    </>
  );
}
