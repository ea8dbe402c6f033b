import type { Schemas } from "../api/client.ts";
import { serverNow } from "../api/clock.ts";
import { JobLink, TokenName } from "../job/job_link.tsx";
import { Age } from "../job/job_table.tsx";
import { Permitted } from "../session/permitted.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { Table } from "../ui/table.tsx";
import { plural, Time } from "../ui/time.tsx";
import { useLastEntries } from "./query.ts";

type Entry = Schemas["AuditEvent"];

/** How far the audit log is published, and its last entries. */
export function LastEntries() {
  return (
    <Card title="Audit log" actions={<Link href="/audit">Search the log</Link>}>
      <Permitted permission="read_audit_log" what="the audit log">
        <Entries />
      </Permitted>
    </Card>
  );
}

function Entries() {
  return (
    <Loaded query={useLastEntries()} what="the audit log">
      {({ data, log }) => (
        <div className="stack">
          <LogState entries={data} size={log.size} />
          <Table
            caption="The last entries of the audit log"
            rows={data}
            rowKey={({ index }) => String(index)}
            cells={cellsOf}
            empty={<Empty title="The log has no entries yet." />}
          />
        </div>
      )}
    </Loaded>
  );
}

function cellsOf({ index, time, event, token_id, job_id }: Entry) {
  return {
    Index: index,
    Time: <Time at={time} />,
    Event: <code>{event}</code>,
    Token: token_id ? <TokenName id={token_id} isShort /> : "–",
    Job: job_id ? <JobLink id={job_id} /> : "–",
  };
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
