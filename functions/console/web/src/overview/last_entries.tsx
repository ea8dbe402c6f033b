import type { Schemas } from "../api/client.ts";
import { serverNow } from "../api/clock.ts";
import { Problem } from "../api/problem.ts";
import { JobLink, TokenName } from "../job/job_link.tsx";
import { Age } from "../job/job_table.tsx";
import type { Reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { number, plural, Time } from "../ui/time.tsx";
import { useLastEntries } from "./query.ts";

type Entry = Schemas["AuditEvent"];

/** How far the audit log is published, and its last entries. */
export function LastEntries({ reason }: { reason: Reason }) {
  const entries = useLastEntries(reason === null);
  const isOff = entries.error instanceof Problem && entries.error.code === "journal_off";
  return (
    <Card title="Audit log" actions={<Link href="/audit">Search the log</Link>}>
      {reason !== null ? (
        <Forbidden what="the audit log" reason={reason} />
      ) : isOff ? (
        <p className="soft">This deployment keeps no audit log.</p>
      ) : (
        <Loaded query={entries} what="the audit log">
          {({ data, log }) => <Listed entries={data} size={log.size} />}
        </Loaded>
      )}
    </Card>
  );
}

function Listed({ entries, size }: { entries: Entry[]; size: number }) {
  const own = useSession().details.token.id;
  const columns: Column<Entry>[] = [
    { head: "Index", isNumber: true, cell: ({ index }) => number(index) },
    { head: "Time", cell: ({ time }) => <Time at={time} /> },
    { head: "Event", cell: ({ event }) => <code>{event}</code> },
    { head: "Token", cell: ({ token_id }) => (token_id ? <TokenName id={token_id} own={own} isShort /> : "–") },
    { head: "Job", cell: ({ job_id }) => (job_id ? <JobLink id={job_id} /> : "–") },
  ];
  return (
    <div className="stack">
      <LogState entries={entries} size={size} />
      <Table
        caption="The last entries of the audit log"
        columns={columns}
        rows={entries}
        rowKey={({ index }) => String(index)}
        empty={<Empty title="The log has no entries yet." />}
      />
    </div>
  );
}

/** How many entries are published, and how old the newest of them is. */
function LogState({ entries, size }: { entries: Entry[]; size: number }) {
  const newest = entries.find(({ index }) => index < size);
  const waiting = Math.max(0, (entries[0]?.index ?? -1) + 1 - size);
  return (
    <p>
      {plural(size, "entry", "entries")} are published
      {newest && (
        <>
          , the newest from <Age at={newest.time} now={serverNow()} />
        </>
      )}
      . {waiting > 0 && `${plural(waiting, "entry is", "entries are")} on the way.`}
    </p>
  );
}
