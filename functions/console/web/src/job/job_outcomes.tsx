import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { Commands } from "../ui/commands.tsx";
import { SelectField } from "../ui/field.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Value } from "../ui/masked.tsx";
import { More } from "../ui/more.tsx";
import { Card } from "../ui/page.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { number, Time } from "../ui/time.tsx";
import { CsvDownload } from "./csv_download.tsx";
import { JobLink } from "./job_link.tsx";
import { type Job, jobPath, useOutcomes } from "./query.ts";
import { doneOf, OUTCOMES, outcomeWord } from "./words.ts";

type Outcome = Schemas["Outcome"];
type Row = Schemas["RowOutcome"];

/** What became of each row. Rows are told by their numbers: only who sent them has their values. */
export function JobOutcomes({ job }: { job: Job }) {
  const { space } = useSession();
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const outcomes = useOutcomes(job.id, outcome);
  const expected = outcome === null ? doneOf(job) : (job.counts[outcome] ?? 0);
  const query = outcome === null ? "" : `?outcome=${outcome}`;
  const option = outcome === null ? [] : ["--outcome", outcome];
  return (
    <Card title="Outcomes">
      {doneOf(job) > 0 && (
        <div className="row">
          <SelectField
            label="Outcome"
            value={outcome ?? ""}
            onChange={(event) => setOutcome((event.target.value || null) as Outcome | null)}
          >
            <option value="">All outcomes ({number(doneOf(job))})</option>
            {OUTCOMES.map((name) => (
              <option key={name} value={name}>
                {outcomeWord(name, job.dry_run)} ({number(job.counts[name] ?? 0)})
              </option>
            ))}
          </SelectField>
          <CsvDownload key={outcome} id={job.id} outcome={outcome} expected={expected} />
        </div>
      )}
      <Loaded query={outcomes} what="the outcomes">
        {({ pages }) => (
          <div className={outcomes.isPlaceholderData ? "stack dimmed" : "stack"}>
            <Table
              caption="Outcomes, row by row"
              columns={columnsOf(job.dry_run)}
              rows={pages.flatMap(({ data }) => data)}
              rowKey={({ page, row }) => `${page} ${row}`}
              empty={<Empty title={outcome === null ? "No row has an outcome yet." : "No row has this outcome."} />}
            />
          </div>
        )}
      </Loaded>
      <More query={outcomes} what="outcomes" />
      <Commands
        request={{ method: "GET", path: `${jobPath(space, job.id)}/outcomes${query}` }}
        command={["jobs", "outcomes", job.id, ...option]}
      />
    </Card>
  );
}

function columnsOf(isDryRun: boolean): Column<Row>[] {
  return [
    { head: "Page", cell: ({ page }) => number(page) },
    { head: "Row", isNumber: true, cell: ({ row }) => number(row) },
    { head: "Outcome", cell: ({ outcome }) => outcomeWord(outcome, isDryRun) },
    { head: "Code", cell: ({ code }) => <code>{code}</code> },
    { head: "Message", cell: (row) => <Message row={row} /> },
  ];
}

function Message({ row: { message, earlier_deletion } }: { row: Row }) {
  return (
    <div className="text-cell long">
      <Value text={message} />
      {earlier_deletion && (
        <div className="soft">
          Deleted before, <Time at={earlier_deletion.deleted_at} />
          {earlier_deletion.job_id && (
            <>
              , by <JobLink id={earlier_deletion.job_id} />
            </>
          )}
        </div>
      )}
    </div>
  );
}
