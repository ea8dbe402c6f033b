import { useReason } from "../session/permission.ts";
import { Page } from "../ui/page.tsx";
import { DeletionsByDay } from "./deletions_by_day.tsx";
import { FailedRows } from "./failed_rows.tsx";
import { LastEntries } from "./last_entries.tsx";
import { LiveJobs } from "./live_jobs.tsx";
import { NothingYet } from "./nothing_yet.tsx";
import { useListable } from "./query.ts";

/** What goes on in the space. Each card has a request of its own, and fails alone. */
export function Overview() {
  const listable = useListable();
  const deletions = useReason("read_deletions");
  const log = useReason("read_audit_log");
  return (
    <Page title="Overview">
      <NothingYet mayCount={deletions === null} listable={listable} />
      <LiveJobs listable={listable} />
      <div className="cards">
        <DeletionsByDay reason={deletions} />
        <FailedRows listable={listable} />
      </div>
      <LastEntries reason={log} />
    </Page>
  );
}
