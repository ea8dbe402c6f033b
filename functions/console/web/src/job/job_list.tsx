import { useState } from "react";
import { serverNow } from "../api/clock.ts";
import { type Reason, reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { focusMain } from "../ui/focused.tsx";
import { Empty, Forbidden } from "../ui/loaded.tsx";
import { Page } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { navigate } from "../ui/route.tsx";
import { commandOf, pathOf } from "./filter.ts";
import { JobFilterForm } from "./job_filter.tsx";
import { JobTable } from "./job_table.tsx";
import { JobTotals } from "./job_totals.tsx";
import { useListable } from "./listable.ts";
import { type JobFilter, useJobs } from "./query.ts";
import { WaysToStart } from "./ways_to_start.tsx";

const ALL: JobFilter = { isMine: false };
const MINE: JobFilter = { isMine: true };

/** The jobs of the space, or those of the session's token. */
export function JobList() {
  return (
    <Page
      title="Jobs"
      actions={
        <Button kind="primary" reason={useNewJobReason()} onClick={() => navigate("/jobs/new")}>
          New job
        </Button>
      }
    >
      <List />
    </Page>
  );
}

/** Why the session may not make jobs of rows. */
function useNewJobReason(): Reason {
  const { role, permissions } = useSession().details.token;
  const may = permissions.includes("delete_profiles") || permissions.includes("delete_identifiers");
  return may ? null : reason(role, "delete_profiles");
}

function List() {
  const { jobs: listable, why } = useListable();
  const allReason = listable === "all" ? null : why;
  const [filter, setFilter] = useState<JobFilter>(allReason === null ? ALL : MINE);
  const [group, setGroup] = useState("");
  const clear = () => {
    setFilter(ALL);
    setGroup("");
    focusMain();
  };
  const jobs = useJobs(filter, listable !== "none");
  if (listable === "none") return <Forbidden what="jobs" reason={why} />;
  const isFiltered = filter.isMine ? allReason === null : filter.state !== undefined || filter.group !== undefined;
  return (
    <>
      <JobFilterForm filter={filter} allReason={allReason} onChange={setFilter} group={group} onGroup={setGroup} />
      <Pages query={jobs} what="jobs">
        {(rows) => (
          <>
            {rows.length > 0 && <JobTotals pages={jobs.data?.pages ?? []} isMine={filter.isMine} />}
            <JobTable jobs={rows} now={serverNow()} empty={<NoJobs onClear={isFiltered ? clear : null} />} />
          </>
        )}
      </Pages>
      <Commands path={pathOf(filter)} command={commandOf(filter)} />
    </>
  );
}

function NoJobs({ onClear }: { onClear: (() => void) | null }) {
  if (onClear === null) {
    return (
      <Empty title="No jobs yet.">
        <WaysToStart />
      </Empty>
    );
  }
  return (
    <Empty title="No jobs match.">
      <p>
        <Button onClick={onClear}>Show all jobs</Button>
      </p>
    </Empty>
  );
}
