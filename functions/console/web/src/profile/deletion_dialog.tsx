import { type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Focused } from "../ui/focused.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";
import { Consent } from "./consent.tsx";
import { Consequences } from "./consequences.tsx";
import { ProfilePlan } from "./plan.tsx";
import { type Plan, PROFILES } from "./query.ts";

/** The request that deletes. */
export interface Write {
  isPending: boolean;
  problem: unknown;
  /** Whether it may have happened, because no response has said so or not. */
  isUncertain: boolean;
  /** Undefined until it has succeeded. */
  data: unknown;
}

interface DeletionDialogProps<T> {
  title: string;
  /** What goes and what stays. */
  plan: UseQueryResult<T>;
  write: Write;
  /** What has become of it, where that is known here. */
  done?: { title: string; facts: ReactNode } | false;
  onClose: (isDone: boolean) => void;
  children: (plan: T, onCancel: () => void) => ReactNode;
}

/** Asks before something of a profile is deleted, when its plan is there, and tells what has become of it. */
export function DeletionDialog<T>(props: DeletionDialogProps<T>) {
  const { title, plan, write, done, onClose, children } = props;
  const queries = useQueryClient();
  const close = () => {
    // It may be gone, also by others or after a lost response: the screen tells what is so.
    void queries.invalidateQueries({ queryKey: [PROFILES] });
    onClose(Boolean(done));
  };
  return (
    <Dialog title={done ? done.title : title} onClose={close} isBusy={write.isPending}>
      {!done ? (
        <>
          <Loaded query={plan} what="the plan of the deletion">
            {(read) => children(read, close)}
          </Loaded>
          {plan.data === undefined && <Button onClick={close}>Cancel</Button>}
        </>
      ) : (
        <Focused label={done.title} isWhole>
          {done.facts}
          <div className="actions">
            <Button onClick={close}>Close</Button>
          </div>
        </Focused>
      )}
    </Dialog>
  );
}

interface QuestionProps {
  intro: ReactNode;
  plan: Plan;
  /** That a job does it, which is shown then, and why; null where a request does. */
  job: string | null;
  /** What is deleted, after "Delete". */
  what: string;
  write: Write;
  onConfirm: () => void;
  onCancel: () => void;
  /** The same as commands. */
  children: ReactNode;
}

/** What goes, what stays and what follows, with the consent to it. */
export function Question({ intro, plan, job, what, write, onConfirm, onCancel, children }: QuestionProps) {
  return (
    <Focused label="What goes and what stays" isWhole>
      <p>{intro}</p>
      <ProfilePlan plan={plan} />
      <Consequences />
      {job !== null && <Notice kind="info">{job} You are taken to it.</Notice>}
      <Consent what={what} write={write} onConfirm={onConfirm} onCancel={onCancel} />
      {children}
    </Focused>
  );
}
