import { type ReactNode, useState } from "react";
import type { Schemas } from "../api/client.ts";
import type { ShownRow } from "../rows/reading.ts";
import { meaning, type Named } from "../rows/row.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Hidden, Value } from "../ui/masked.tsx";
import { type Cells, Table } from "../ui/table.tsx";

/** The first rows as they were read. Values are hidden until somebody asks for them. */
export function Preview({ rows, action }: { rows: readonly ShownRow[]; action: Schemas["RowAction"] }) {
  const [isShown, setShown] = useState(false);
  const { identifier_types } = useSession().details.space;
  // In the place of a type there may be anything.
  const isKnown = (type: string) => type === "segment_id" || identifier_types.some(({ name }) => name === type);
  const wide = (content: ReactNode, width = "long") => <div className={`text-cell ${width}`}>{content}</div>;
  const text = (given: string, width = "") => (isShown ? wide(<Value text={given} />, width) : <Hidden />);
  const type = (named: Named | undefined) =>
    named && (isKnown(named.type) ? <span className="nowrap">{named.type}</span> : text(named.type));
  const value = (named: Named | undefined, width?: string) => named && text(named.value, width);
  const cellsOf = ({ line, row, fault }: ShownRow): Cells => {
    const meant = meaning(row, action);
    const { profile, target } = "code" in meant ? {} : meant;
    const others = { "Invalid because": fault ? wide(fault.message) : "–" };
    if (action === "delete_profile")
      return { Line: line, Type: type(profile), Value: value(profile, "long"), ...others };
    return {
      Line: line,
      "Type of the profile": type(profile),
      Profile: value(profile),
      Type: type(target),
      Identifier: value(target, "long"),
      ...others,
    };
  };
  return (
    <div className="stack">
      <div className="card-head">
        <h3>First rows, as they were read</h3>
        <div className="actions">
          <Button kind="quiet" onClick={() => setShown(!isShown)}>
            {isShown ? "Hide values" : "Show values"}
          </Button>
        </div>
      </div>
      <Table
        caption="First rows, as they were read"
        rows={rows}
        rowKey={({ number }) => String(number)}
        cells={cellsOf}
      />
    </div>
  );
}
