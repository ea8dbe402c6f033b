import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import type { ShownRow } from "../rows/reading.ts";
import { meaning, type Named } from "../rows/row.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Value } from "../ui/masked.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { number } from "../ui/time.tsx";

/** The first rows as they were read. Values are hidden until somebody asks for them. */
export function Preview({ rows, action }: { rows: readonly ShownRow[]; action: Schemas["RowAction"] }) {
  const [isShown, setShown] = useState(false);
  const { identifier_types } = useSession().details.space;
  // In the place of a type there may be anything.
  const isKnown = (type: string) => type === "segment_id" || identifier_types.some(({ name }) => name === type);
  return (
    <div className="stack">
      <div className="card-head">
        <h3>First rows, as they were read</h3>
        <div className="actions">
          <Button kind="quiet" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? "Hide values" : "Show values"}
          </Button>
        </div>
      </div>
      <Table
        caption="First rows, as they were read"
        columns={columnsOf(action, isKnown, isShown)}
        rows={rows}
        rowKey={({ number }) => String(number)}
        empty={null}
      />
    </div>
  );
}

function columnsOf(
  action: Schemas["RowAction"],
  isKnown: (type: string) => boolean,
  isShown: boolean,
): Column<ShownRow>[] {
  const ofProfile = action === "delete_profile";
  const named = (row: ShownRow, part: "profile" | "target") => {
    const meant = meaning(row.row, action);
    return "code" in meant ? undefined : meant[part];
  };
  const type = (found: Named | undefined) => {
    if (found === undefined || !isKnown(found.type)) return found && <Hidden text={found.type} isShown={isShown} />;
    return <span className="nowrap">{found.type}</span>;
  };
  const value = (found: Named | undefined) => found && <Hidden text={found.value} isShown={isShown} />;
  const columns: (Column<ShownRow> | false)[] = [
    { head: "Line", cell: ({ line }) => number(line) },
    { head: ofProfile ? "Type" : "Type of the profile", cell: (row) => type(named(row, "profile")) },
    { head: ofProfile ? "Value" : "Profile", cell: (row) => value(named(row, "profile")) },
    !ofProfile && { head: "Type", cell: (row) => type(named(row, "target")) },
    !ofProfile && { head: "Identifier", cell: (row) => value(named(row, "target")) },
    { head: "Invalid because", cell: ({ fault }) => fault?.message ?? "–" },
  ];
  return columns.filter((column) => column !== false);
}

function Hidden({ text, isShown }: { text: string; isShown: boolean }) {
  if (isShown) return <Value text={text} />;
  return (
    <span>
      <span aria-hidden="true">••••••••</span>
      <span className="visually-hidden">hidden</span>
    </span>
  );
}
