import { Page } from "../ui/page.tsx";
import { DeletionsByDay } from "./deletions_by_day.tsx";
import { FailedRows } from "./failed_rows.tsx";
import { LastEntries } from "./last_entries.tsx";
import { LiveJobs } from "./live_jobs.tsx";
import { NothingYet } from "./nothing_yet.tsx";

/** What goes on in the space. Each card has a request of its own, and fails alone. */
export function Overview() {
  return (
    <Page title="Overview">
      <NothingYet />
      <LiveJobs />
      <div className="cards">
        <DeletionsByDay />
        <FailedRows />
      </div>
      <LastEntries />
    </Page>
  );
}
