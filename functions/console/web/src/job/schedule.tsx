import { useEffect, useRef } from "react";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { focusMain } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { about, Time } from "../ui/time.tsx";
import { controlsOf } from "./control.ts";
import { useNow } from "./now.ts";
import { type Job, jobPath, useControl } from "./query.ts";
import { WriteProblem } from "./write_problem.tsx";

/** From here on the seconds are counted. */
const COUNTED = 120;

/** When a job starts, and the way to undo it until then. */
export function Schedule({ job }: { job: Job }) {
  const { details } = useSession();
  const now = useNow(1_000);
  const undo = useControl(job.id);
  const seconds = Math.ceil((Date.parse(job.start_at ?? job.created_at) - now.getTime()) / 1_000);
  const offer = controlsOf(job, details, now).find(({ control }) => control === "cancel");
  useFocusAfterwards();
  useSaidOnce(`The job starts in ${about(seconds)}. It can be undone until then.`);
  return (
    <Notice kind="warning" title={countdown(seconds)}>
      <div className="stack">
        <p>
          It starts at <Time at={job.start_at} />, also when this page is closed. Until then nothing is deleted.
        </p>
        <Button
          kind="primary"
          reason={offer?.reason ?? null}
          isBusy={undo.isPending}
          onClick={() => undo.run({ control: "cancel" })}
        >
          Undo
        </Button>
        <small>Undo cancels the job for good. It deletes nothing.</small>
        <Commands method="POST" path={`${jobPath(job.id)}/cancel`} command={["jobs", "cancel", job.id]} />
        <WriteProblem write={undo} />
      </div>
    </Notice>
  );
}

function countdown(seconds: number): string {
  if (seconds <= 0) return "It is due, and starts within a minute";
  return seconds <= COUNTED ? `Starts in ${seconds} s` : `Starts in ${about(seconds)}`;
}

/** Says something when it is first there; the seconds that follow are for the eyes only. */
function useSaidOnce(text: string): void {
  const first = useRef(text);
  useEffect(() => announce(first.current), []);
}

/** Takes the focus to the page when the button that has it goes with the time that it was for. */
function useFocusAfterwards(): void {
  useEffect(
    () => () => {
      if (document.activeElement === document.body) focusMain();
    },
    [],
  );
}
