import type { Schemas } from "../api/client.ts";
import { JobLink, TokenName } from "../job/job_link.tsx";
import { Facts } from "../ui/facts.tsx";
import { Id } from "../ui/id.tsx";
import { number, Time } from "../ui/time.tsx";

/** Who deleted an identifier, when and why. The record does not hold the value. */
export function RecordFacts({ record }: { record: Schemas["DeletionRecord"] }) {
  const { status, job_id, request_id, token_id, propagation } = record;
  return (
    <Facts
      facts={{
        Status: <span className="tag good">{status === "deleted" ? "Deleted" : status}</span>,
        "Identifier type": record.type,
        "Deleted at": <Time at={record.deleted_at} />,
        "By token": token_id && <TokenName id={token_id} />,
        Reason: record.reason === "job" ? "A job" : record.reason === "request" ? "A request of its own" : null,
        Job: job_id && <JobLink id={job_id} isWhole />,
        "Request-Id": request_id && <Id id={request_id} />,
        "Gone from the table": <Arrival {...propagation.store} />,
        "In the audit log": <Arrival {...propagation.log} />,
      }}
    />
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
