import type { Schemas } from "../api/client.ts";
import { PlanView } from "../job/plan.tsx";
import { doneOf } from "../job/words.ts";
import { Loading } from "../ui/loaded.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";

export interface DryRunProps {
  job: Schemas["Job"] | null;
  plan: Schemas["Plan"] | null;
  problem: unknown;
  retry: () => void;
}

/** What goes with the members, as a dry run has found it. The deletion can be confirmed without it. */
export function DryRun({ job, plan, problem, retry }: DryRunProps) {
  // The consequences in words stand above.
  if (plan !== null) return <PlanView plan={{ ...plan, consequences: [] }} action="delete_segment" />;
  if (problem !== null) return <ProblemNotice problem={problem} onRetry={retry} />;
  if (job === null) return <Loading what="what goes with the members" />;
  if (job.finished_at) return <p className="soft">The dry run was cancelled before its end.</p>;
  return (
    <>
      <p>A dry run looks up what goes with the members.</p>
      <Progress label="Members looked up" done={doneOf(job)} all={Math.max(job.rows, 1)} />
    </>
  );
}
