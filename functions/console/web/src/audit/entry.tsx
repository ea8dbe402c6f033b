import { JobLink } from "../job/job_link.tsx";
import { countsOf } from "../receipt/receipt_result.tsx";
import { SegmentLink } from "../segment/segment_link.tsx";
import { Facts } from "../ui/facts.tsx";
import { Value } from "../ui/masked.tsx";
import { number, Time } from "../ui/time.tsx";
import { EntryMark, MarkMeaning } from "./entry_mark.tsx";
import { eventWords } from "./event_words.ts";
import type { Mark } from "./inclusion.ts";
import type { AuditEvent } from "./search.ts";

/** An entry of the log: one line, which opens to all that the log has of it. */
export function EntryRow({ event, mark }: { event: AuditEvent; mark: Mark | undefined }) {
  return (
    <li>
      <details className="entry">
        <summary>
          <span className="soft">
            <Time at={event.time} />
          </span>
          <span>
            <bdi>{eventWords(event.event, event.id_type)}</bdi> <small className="id">{objectOf(event)}</small>
          </span>
          <EntryMark mark={mark} />
        </summary>
        <EntryFacts event={event} mark={mark} />
      </details>
    </li>
  );
}

/** What tells an entry from others that say the same. */
function objectOf({ job_id, segment_id, token_id }: AuditEvent): string {
  if (segment_id) return segment_id;
  return job_id ? `job_…${job_id.slice(-8)}` : (token_id ?? "");
}

function EntryFacts({ event, mark }: { event: AuditEvent; mark: Mark | undefined }) {
  const id = (text: string | null | undefined) => text && <span className="id">{text}</span>;
  return (
    <Facts
      facts={{
        Index: number(event.index),
        "Time (UTC)": event.time,
        Event: <Value text={event.event} />,
        "Identifier type": event.id_type,
        Subject: id(event.subject),
        Token: id(event.token_id),
        Request: id(event.request_id),
        Job: event.job_id && <JobLink id={event.job_id} />,
        Segment: event.segment_id && <SegmentLink id={event.segment_id} />,
        Reason: event.reason,
        Counts: countsOf(event.counts),
        Compared: <MarkMeaning mark={mark} />,
      }}
    />
  );
}
