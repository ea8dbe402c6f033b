import { useState } from "react";
import { NotLoggedYet } from "../deletion/receipt_wait.ts";
import { jobRoute } from "../job/job_link.tsx";
import { jobPath } from "../job/query.ts";
import { useReason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { download } from "../ui/download.ts";
import { Form, TextField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { plural } from "../ui/time.tsx";
import { useWork } from "../ui/work.ts";
import { receiptsOf } from "./receipts_of_job.ts";
import type { Source } from "./source.ts";

/** The receipts of a job, one a line. */
interface Receipts {
  job: string;
  count: number;
  list: Blob;
}

/** Gets the receipts of everything that a job has deleted, to be checked as a list, and kept as a file. */
export function JobReceipts({ onList }: { onList: (source: Source) => void }) {
  const reason = useReason("read_audit_log");
  const [job, setJob] = useState("");
  const [found, setFound] = useState<Receipts | null>(null);
  const { isRunning, done, problem, start, stop } = useWork();
  const id = job.trim();
  const get = () => {
    if (reason !== null || isRunning || id === "") return;
    setFound(null);
    void start(async (signal, onCount) => {
      const pages: string[] = [];
      let count = 0;
      for await (const page of receiptsOf(id, signal)) {
        pages.push(page);
        count += page.split("\n").length - 1;
        onCount(count);
      }
      const list = new Blob(pages, { type: "application/x-ndjson" });
      setFound({ job: id, count, list });
      if (count > 0) onList({ name: `Receipts of ${id}`, blob: list });
    });
  };
  return (
    <Card title="Receipts of a job">
      <p>Gets a receipt for each identifier that a job has deleted, and checks them as a list.</p>
      <Form className="row" onSend={get}>
        <div className="grow">
          <TextField label="Job" placeholder="job_…" required value={job} onValue={setJob} />
        </div>
        <Button type="submit" reason={reason} isBusy={isRunning}>
          Get the receipts
        </Button>
        {isRunning && <Button onClick={stop}>Stop</Button>}
      </Form>
      {isRunning && <p role="status">{plural(done, "receipt")} so far.</p>}
      {problem instanceof NotLoggedYet ? (
        <Notice kind="warning" title="The audit log does not have all of them yet">
          <p>It usually takes less than a minute.</p>
          <Button onClick={get}>Try again</Button>
        </Notice>
      ) : (
        problem !== null && <ProblemNotice problem={problem} onRetry={get} />
      )}
      {found !== null && <Read {...found} />}
      <Commands
        path={`${jobPath(id || "JOB")}/receipts`}
        command={["receipt", "get", "--job", id || "JOB", "--all", "--folder", "receipts"]}
      />
    </Card>
  );
}

function Read({ job, count, list }: Receipts) {
  if (count === 0) {
    return (
      <p>
        This job has no receipts of single deletions. <Link href={jobRoute(job)}>The job</Link> has one for its end.
      </p>
    );
  }
  return (
    <div className="stack">
      <p>
        {plural(count, "receipt")} of <Link href={jobRoute(job)}>this job</Link>. They let their holder try out
        identifiers: keep the file as safe as the identifiers themselves.
      </p>
      <div className="actions">
        <Button onClick={() => download(`receipts-${job}.ndjson`, list)}>Download the list</Button>
      </div>
    </div>
  );
}
