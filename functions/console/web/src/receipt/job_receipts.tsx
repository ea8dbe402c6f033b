import { type FormEvent, useEffect, useRef, useState } from "react";
import { Problem } from "../api/problem.ts";
import { useReason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { download } from "../ui/download.ts";
import { TextField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { plural } from "../ui/time.tsx";
import { receiptsOf } from "./receipts_of_job.ts";
import type { Source } from "./source.ts";

type State =
  | { step: "idle" }
  | { step: "reading"; count: number }
  | { step: "read"; job: string; count: number; list: Blob }
  | { step: "failed"; problem: unknown };

/** Gets the receipts of everything that a job has deleted, to be checked as a list, and kept as a file. */
export function JobReceipts({ space, onList }: { space: string; onList: (source: Source) => void }) {
  const reason = useReason("read_audit_log");
  const [job, setJob] = useState("");
  const [state, setState] = useState<State>({ step: "idle" });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const get = async (id: string) => {
    const control = new AbortController();
    running.current = control;
    const pages: string[] = [];
    let count = 0;
    setState({ step: "reading", count });
    try {
      for await (const page of receiptsOf(space, id, control.signal)) {
        pages.push(page);
        count += page.split("\n").length - 1;
        setState({ step: "reading", count });
      }
      const list = new Blob(pages, { type: "application/x-ndjson" });
      setState({ step: "read", job: id, count, list });
      if (count > 0) onList({ name: `Receipts of ${id}`, blob: list });
    } catch (problem) {
      setState(control.signal.aborted ? { step: "idle" } : { step: "failed", problem });
    }
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (reason === null && state.step !== "reading" && job.trim() !== "") void get(job.trim());
  };
  const id = job.trim() || "JOB";
  return (
    <Card title="Receipts of a job">
      <p>Gets a receipt for each identifier that a job has deleted, and checks them as a list.</p>
      <form className="row" onSubmit={send}>
        <div className="grow">
          <TextField
            label="Job"
            placeholder="job_…"
            required
            value={job}
            onChange={(event) => setJob(event.target.value)}
          />
        </div>
        <Button type="submit" reason={reason} isBusy={state.step === "reading"}>
          Get the receipts
        </Button>
        {state.step === "reading" && <Button onClick={() => running.current?.abort()}>Stop</Button>}
      </form>
      <Found state={state} onAgain={() => void get(job.trim())} />
      <Commands
        request={{ method: "GET", path: `/v1/spaces/${space}/deletion_jobs/${encodeURIComponent(id)}/receipts` }}
        command={["receipt", "get", "--job", id, "--all", "--folder", "receipts"]}
      />
    </Card>
  );
}

function Found({ state, onAgain }: { state: State; onAgain: () => void }) {
  switch (state.step) {
    case "idle":
      return null;
    case "reading":
      return <p role="status">{plural(state.count, "receipt")} so far.</p>;
    case "failed":
      return state.problem instanceof Problem ? (
        <ProblemNotice problem={state.problem} onRetry={onAgain} />
      ) : (
        <Notice kind="warning" title="The audit log does not have all of them yet">
          <p>It usually takes less than a minute.</p>
          <Button onClick={onAgain}>Try again</Button>
        </Notice>
      );
    case "read":
      return <Read {...state} />;
  }
}

function Read({ job, count, list }: { job: string; count: number; list: Blob }) {
  if (count === 0) {
    return (
      <p>
        This job has no receipts of single deletions. <Link href={`/jobs/${encodeURIComponent(job)}`}>The job</Link> has
        one for its end.
      </p>
    );
  }
  return (
    <div className="stack">
      <p>
        {plural(count, "receipt")} of <Link href={`/jobs/${encodeURIComponent(job)}`}>this job</Link>. They let their
        holder try out identifiers: keep the file as safe as the identifiers themselves.
      </p>
      <div className="actions">
        <Button onClick={() => download(`receipts-${job}.ndjson`, list)}>Download the list</Button>
      </div>
    </div>
  );
}
