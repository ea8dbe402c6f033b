import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Schemas } from "../api/client.ts";
import type { Change, Form } from "../rows/change.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { number, plural } from "../ui/time.tsx";
import { MOST, type NearMiss, nearMissRows, OFFERS } from "./new_job_near_miss_rows.ts";
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
  const { space } = useSession();
  const [seen, setSeen] = useState(0);
  const stop = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    stop.current = controller;
    return () => controller.abort();
  }, []);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async ({ kind, form }: { kind: NearMiss; form: Form }) => {
      setSeen(0);
      const rows = await nearMissRows(space, job, kind, run.rowAt, stop.current.signal, setSeen);
      return { form, rows };
    },
    onSuccess: onChange,
  });
  const kinds = (["other_case", "other_form"] as const).filter((kind) => plan[kind] > 0);
  if (kinds.length === 0) return null;
  const reason =
    plan.not_found > MOST ? `Only up to ${number(MOST)} rows that are not found can be looked through.` : null;
  return (
    <Notice kind="warning" title="Some rows would be found if they were written in another way">
      <div className="stack">
        {kinds.map((kind) => (
          <div key={kind} className="stack">
            <p>
              {plural(plan[kind], "row")} would be found{" "}
              {kind === "other_case"
                ? "in lower or in upper case."
                : "without blanks around the value or invisible characters, or with its accents written as one letter, perhaps in another case."}
            </p>
            <div className="actions">
              {OFFERS[kind].map(([form, words]) => (
                <Button key={form} reason={reason} isBusy={isPending} onClick={() => mutate({ kind, form })}>
                  Make a copy with {plan[kind] === 1 ? "this row" : "these rows"} {words}
                </Button>
              ))}
            </div>
          </div>
        ))}
        {isPending && <Progress label="Rows looked through" done={seen} all={plan.not_found} />}
        {error !== null && <ProblemNotice problem={error} />}
        <p>
          The copy gets a dry run of its own. Only these rows are written in another way there: your file and all other
          rows stay as they are.
        </p>
      </div>
    </Notice>
  );
}
