import { GetReceipt } from "../deletion/get_receipt.tsx";
import { Commands } from "../ui/commands.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { isOver } from "./poll.ts";
import { type Job, jobPath } from "./query.ts";

/** The proof that a job has ended, and with which counts. */
export function JobReceipt({ job }: { job: Job }) {
  const isEnded = job.state === "completed" || job.state === "cancelled";
  return (
    <Card title="Receipt">
      <p>
        When the job is over, its receipt proves that, with its rows by outcome.{" "}
        <Link href="/receipts">Check a receipt</Link>
      </p>
      {isEnded && (
        <>
          {!isOver(job) && (
            <p className="soft">It is not verified yet: a receipt of now says only that the job is completed.</p>
          )}
          <GetReceipt key={job.verified_at ?? ""} subject={{ job: job.id }} />
          <Commands path={`${jobPath(job.id)}/receipt`} command={["receipt", "get", "--job", job.id]} />
        </>
      )}
    </Card>
  );
}
