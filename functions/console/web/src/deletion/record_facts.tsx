import type { Schemas } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Facts } from "../ui/facts.tsx";
import { Link } from "../ui/route.tsx";
import { number, Time } from "../ui/time.tsx";

/** Who deleted an identifier, when and why. The record does not hold the value. */
export function RecordFacts({ record }: { record: Schemas["DeletionRecord"] }) {
  const { job_id, request_id, propagation } = record;
  return (
    <Facts
      facts={[
        ["Status", <Status key="status" status={record.status} />],
        ["Identifier type", record.type],
        ["Deleted at", <Time key="at" at={record.deleted_at} />],
        ["By token", record.token_id ? <Token key="token" id={record.token_id} /> : null],
        ["Reason", record.reason === "job" ? "A job" : record.reason === "request" ? "A request of its own" : null],
        ["Job", job_id ? <JobLink key="job" id={job_id} /> : null],
        ["Request-Id", request_id ? <Id key="request" id={request_id} /> : null],
        ["Gone from the table", <Arrival key="store" {...propagation.store} />],
        ["In the audit log", <Arrival key="log" {...propagation.log} />],
      ]}
    />
  );
}

function Status({ status }: { status: string }) {
  return <span className="tag good">{status === "deleted" ? "Deleted" : status}</span>;
}

function Token({ id }: { id: string }) {
  const { token } = useSession().details;
  return (
    <>
      <span className="id">{id}</span>
      {token.id === id && " (the one that you are signed in with)"}
    </>
  );
}

export function JobLink({ id }: { id: string }) {
  return (
    <Link href={`/jobs/${id}`} className="id">
      {id}
    </Link>
  );
}

/** An id that people quote elsewhere. */
export function Id({ id }: { id: string }) {
  return (
    <>
      <span className="id">{id}</span> <CopyButton label="Copy" text={() => id} />
    </>
  );
}

interface ArrivalProps {
  state: Schemas["PropagationState"];
  at?: string | null;
  index?: number | null;
}

/** Whether a deletion has arrived somewhere. */
function Arrival({ state, at, index }: ArrivalProps) {
  if (state === "off") return <span className="tag">This deployment keeps none</span>;
  if (state === "pending") return <span className="tag warning">On its way</span>;
  return (
    <>
      <span className="tag good">Yes</span> <Time at={at} />
      {index !== null && index !== undefined && ` · entry ${number(index)}`}
    </>
  );
}
