import type { Rejection, Rejections } from "../rows/rejection.ts";
import { type Column, Table } from "../ui/table.tsx";
import { number, plural } from "../ui/time.tsx";

const COLUMNS: Column<Rejection>[] = [
  { head: "Reason", cell: ({ message }) => message },
  { head: "Rows", isNumber: true, cell: ({ rows }) => number(rows) },
  { head: "Lines", cell: linesOf },
];

function linesOf({ lines, rows }: Rejection): string {
  const more = rows - lines.length;
  return `${lines.map(number).join("; ")}${more > 0 ? ` and ${number(more)} more` : ""}`;
}

/** Rows that are invalid, with their lines in the file. Nothing where there are none. */
export function RejectedRows({ rejections }: { rejections: Rejections }) {
  const { total, groups, unlisted } = rejections;
  if (total === 0) return null;
  return (
    <div className="stack">
      <h3>{plural(total, "invalid row")}</h3>
      <p>
        They delete nothing, and change nothing for the other rows. They are sent all the same and counted as invalid,
        so that the counts add up to the rows of the file.
      </p>
      <Table
        caption="Invalid rows by reason"
        columns={COLUMNS}
        rows={groups}
        rowKey={({ code, message }) => `${code} ${message}`}
        empty={null}
      />
      {unlisted > 0 && <p>{plural(unlisted, "more row is", "more rows are")} not listed.</p>}
    </div>
  );
}
