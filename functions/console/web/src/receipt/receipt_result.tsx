import { eventWords } from "../audit/event_words.ts";
import { JobLink } from "../job/job_link.tsx";
import { useSessionState } from "../session/session.ts";
import { Facts } from "../ui/facts.tsx";
import { Lines } from "../ui/lines.tsx";
import { Value } from "../ui/masked.tsx";
import { Notice } from "../ui/notice.tsx";
import { number, plural, Time } from "../ui/time.tsx";
import type { Checked, CheckedList } from "./source.ts";
import type { Proved } from "./verify.ts";
import { isOfJob, provedBy, titleOf, warningOf } from "./words.ts";

/** What was found out about a receipt, or about a list of them. */
export function ReceiptResult({ checked }: { checked: Checked }) {
  const source = <bdi>{checked.source}</bdi>;
  if (checked.kind === "list") return <ListResult source={checked.source} list={checked.list} />;
  if (checked.kind === "fault") {
    return (
      <Notice kind="bad" title="The receipt does not hold">
        <p>
          <Value text={checked.fault} />
        </p>
        <p className="soft">{source}</p>
      </Notice>
    );
  }
  const { proved } = checked;
  const warning = warningOf(proved);
  return (
    <Notice kind={kindOf(proved)} title="The receipt holds">
      <div className="stack">
        <p className="soft">{source}</p>
        {warning !== null && (
          <p>
            <strong>{warning}</strong>
          </p>
        )}
        <ProvedFacts proved={proved} />
        <Proofs proved={proved} />
      </div>
    </Notice>
  );
}

function kindOf(proved: Proved): "good" | "info" | "warning" {
  if (warningOf(proved) === null) return "good";
  return isOfJob(proved) ? "info" : "warning";
}

function ProvedFacts({ proved: { entry, index, size, origin, key } }: { proved: Proved }) {
  const { session } = useSessionState();
  const isOurs = session !== null && entry.space === session.space;
  const text = (name: string) => typeof entry[name] === "string" && <Value text={entry[name]} />;
  return (
    <Facts
      facts={{
        "What happened": <Value text={eventWords(String(entry.event), entry.id_type as string | undefined)} />,
        When: typeof entry.time === "string" && <Time at={entry.time} />,
        Log: <bdi>{origin}</bdi>,
        Entry: `${number(Number(index))} of ${number(Number(size))}, counted from 0`,
        "Signed by": <code>{key.id}</code>,
        Space: text("space"),
        Reason: text("reason"),
        Token: text("token_id"),
        Request: text("request_id"),
        Job: isOurs && typeof entry.job_id === "string" ? <JobLink id={entry.job_id} /> : text("job_id"),
        Segment: text("segment_id"),
        Counts: countsOf(entry.counts),
        Digest: text("digest"),
      }}
    />
  );
}

/** Counts of an entry: "3 deleted, 1 not found". */
export function countsOf(counts: unknown): string | null {
  if (typeof counts !== "object" || counts === null) return null;
  const some = Object.entries(counts).filter(([, count]) => typeof count === "number" && count !== 0);
  const told = some.map(([name, count]) => `${number(count)} ${name.replaceAll("_", " ")}`);
  return told.length === 0 ? "Nothing was counted." : told.join(", ");
}

function Proofs({ proved }: { proved: Proved }) {
  const lists = provedBy(proved);
  return (
    <>
      <h3>Proved</h3>
      <Lines of={lists.proved} />
      <h3>Not proved</h3>
      <Lines of={lists.notProved} />
    </>
  );
}

function ListResult({ source, list }: { source: string; list: CheckedList }) {
  const { lines, holding, entries, jobs, first, bad, events, about, isStopped } = list;
  const repeats = holding - entries.size;
  const failing = lines - holding;
  const isGood = failing + repeats === 0 && lines > 0 && jobs.size === 1 && !isStopped;
  return (
    <Notice kind={failing > 0 ? "bad" : isGood ? "good" : "warning"} title={titleOf(list)}>
      <div className="stack">
        <p className="soft">
          <bdi>{source}</bdi>
        </p>
        <ul>
          {[...events].map(([event, count]) => (
            <li key={event}>
              {number(count)}: <bdi>{eventWords(event)}</bdi>
            </li>
          ))}
        </ul>
        {repeats > 0 && <p>{plural(repeats, "line")} more: an entry that another line has. It counts once.</p>}
        {jobs.size > 1 && <p>The entries are not of one job, but of {number(jobs.size)}.</p>}
        {about !== null && <p>{aboutTold(about)}</p>}
        {first !== null && (
          <p>
            Signed by <code>{first.key.id}</code> in the log <bdi>{first.origin}</bdi>.
          </p>
        )}
        {bad.length > 0 && (
          <>
            <h3>{failing > bad.length ? `The first ${bad.length} that do not hold` : "What does not hold"}</h3>
            <ul>
              {bad.map(({ line, row, fault }) => (
                <li key={line}>
                  Line {number(line)}
                  {row !== null && ` (${row})`}: <Value text={fault} />
                </li>
              ))}
            </ul>
          </>
        )}
        {isGood && <p>Compare the number with the counts of the job: a list can leave receipts out.</p>}
      </div>
    </Notice>
  );
}

function aboutTold(about: readonly bigint[]): string {
  if (about.length === 0) return "None of them is about the identifier that you entered.";
  const entries = about.map(String).join(", ");
  return `About the identifier that you entered: ${about.length === 1 ? "entry" : "entries"} ${entries}.`;
}
