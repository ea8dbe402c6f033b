import { useState } from "react";
import { serverNow } from "../api/clock.ts";
import { type Reason, reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { More } from "../ui/more.tsx";
import { Page } from "../ui/page.tsx";
import { navigate } from "../ui/route.tsx";
import { commandOf, requestOf } from "./filter.ts";
import { JobFilterForm } from "./job_filter.tsx";
import { JobTable } from "./job_table.tsx";
import { JobTotals } from "./job_totals.tsx";
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
export function useNewJobReason(): Reason {
  const { role, permissions } = useSession().details.token;
  const may = permissions.includes("delete_profiles") || permissions.includes("delete_identifiers");
  return may ? null : reason(role, "delete_profiles");
}

function List() {
  const { space, details } = useSession();
  const { role, permissions } = details.token;
  const allReason = permissions.includes("read_jobs") ? null : reason(role, "read_jobs");
  const [filter, setFilter] = useState<JobFilter>(allReason === null ? ALL : MINE);
  const [group, setGroup] = useState("");
  const clear = () => {
    setFilter(ALL);
    setGroup("");
    document.getElementById("main")?.focus();
  };
  const mayMake = useNewJobReason() === null || permissions.includes("manage_segments");
  const mayList = allReason === null || mayMake;
  const jobs = useJobs(filter, mayList);
  if (!mayList) return <Forbidden what="jobs" reason={allReason} />;
  const isFiltered = filter.isMine ? allReason === null : filter.state !== undefined || filter.group !== undefined;
  return (
    <>
      <JobFilterForm filter={filter} allReason={allReason} onChange={setFilter} group={group} onGroup={setGroup} />
      <Loaded query={jobs} what="the jobs">
        {({ pages }) => {
          const rows = pages.flatMap(({ data }) => data);
          return (
            <div className={jobs.isPlaceholderData ? "stack dimmed" : "stack"}>
              {rows.length > 0 && <JobTotals pages={pages} isMine={filter.isMine} />}
              <JobTable jobs={rows} now={serverNow()} empty={isFiltered ? <NoMatch onClear={clear} /> : <NoJobs />} />
              <More query={jobs} what="jobs" />
            </div>
          );
        }}
      </Loaded>
      <Commands request={requestOf(filter, space)} command={commandOf(filter)} />
    </>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No jobs match.">
      <p>
        <Button onClick={onClear}>Show all jobs</Button>
      </p>
    </Empty>
  );
}

function NoJobs() {
  return (
    <Empty title="No jobs yet.">
      <WaysToStart />
    </Empty>
  );
}
