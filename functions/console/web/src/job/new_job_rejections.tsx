import type { Rejection, Rejections } from "../rows/rejection.ts";
import { Table } from "../ui/table.tsx";
import { number, plural } from "../ui/time.tsx";

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
      <p>They delete nothing. They are sent all the same and counted as invalid.</p>
      <Table
        caption="Invalid rows by reason"
        rows={groups}
        rowKey={({ code, message }) => `${code} ${message}`}
        cells={(rejection) => ({ Reason: rejection.message, Rows: rejection.rows, Lines: linesOf(rejection) })}
      />
      {unlisted > 0 && <p>{plural(unlisted, "more row is", "more rows are")} not listed.</p>}
    </div>
  );
}
