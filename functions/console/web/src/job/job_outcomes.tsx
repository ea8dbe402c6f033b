import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { Commands } from "../ui/commands.tsx";
import { SelectField } from "../ui/field.tsx";
import { Empty } from "../ui/loaded.tsx";
import { Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { Table } from "../ui/table.tsx";
import { number, Time } from "../ui/time.tsx";
import { CsvDownload } from "./csv_download.tsx";
import { JobLink } from "./job_link.tsx";
import { type Job, jobPath, useOutcomes } from "./query.ts";
import { doneOf, OUTCOMES, outcomeWord } from "./words.ts";

type Outcome = Schemas["Outcome"];
type Row = Schemas["RowOutcome"];

/** What became of each row. Rows are told by their numbers: only who sent them has their values. */
export function JobOutcomes({ job }: { job: Job }) {
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
            onValue={(value) => setOutcome((value || null) as Outcome | null)}
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
      <Pages query={outcomes} what="outcomes">
        {(rows) => (
          <Table
            caption="Outcomes, row by row"
            rows={rows}
            rowKey={({ page, row }) => `${page} ${row}`}
            cells={(row) => cellsOf(row, job.dry_run)}
            empty={<Empty title={outcome === null ? "No row has an outcome yet." : "No row has this outcome."} />}
          />
        )}
      </Pages>
      <Commands path={`${jobPath(job.id)}/outcomes${query}`} command={["jobs", "outcomes", job.id, ...option]} />
    </Card>
  );
}

function cellsOf(row: Row, isDryRun: boolean) {
  return {
    Page: row.page,
    "Row, from 0": row.row,
    Outcome: outcomeWord(row.outcome, isDryRun),
    Code: <code>{row.code}</code>,
    Message: <Message row={row} />,
  };
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
