import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { useReason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Masked } from "../ui/masked.tsx";
import { More } from "../ui/more.tsx";
import { Card } from "../ui/page.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Time } from "../ui/time.tsx";
import { DeleteIdentifier } from "./delete_identifier.tsx";
import { useIdentifiers } from "./query.ts";

type Entry = Schemas["ExternalIdEntry"];

/** An identifier and its place in the list, by which it is called while its value is hidden. */
type Row = Entry & { place: number };

/** By what a person is found. */
export function IdentifierTable({ root }: { root: string }) {
  const identifiers = useIdentifiers(root);
  const reason = useReason("delete_identifiers");
  const [target, setTarget] = useState<Entry | null>(null);
  const close = (isDone: boolean) => {
    setTarget(null);
    // The row whose button was pressed is gone, and the focus with it.
    if (isDone) document.getElementById("main")?.focus();
  };
  return (
    <Card title="Identifiers">
      <Loaded query={identifiers} what="the identifiers">
        {({ pages }) => {
          const rows = pages.flatMap(({ data }) => data).map((entry, place) => ({ ...entry, place: place + 1 }));
          return (
            <Table
              caption="All identifiers"
              columns={columnsOf(root, rows, reason === null ? setTarget : null)}
              rows={rows}
              rowKey={({ type, id }) => `${type}:${id}`}
              empty={<Empty title="The profile has no active identifier." />}
            />
          );
        }}
      </Loaded>
      <More query={identifiers} what="identifiers" />
      {reason !== null && <Button reason={reason}>Delete an identifier</Button>}
      {target !== null && <DeleteIdentifier root={root} target={target} onClose={close} />}
    </Card>
  );
}

/** A role that may delete none has no buttons in the rows, but one below them that says why. */
function columnsOf(root: string, rows: readonly Row[], onDelete: ((entry: Entry) => void) | null): Column<Row>[] {
  const isMerged = rows.some(({ segment_id }) => segment_id !== root);
  const columns: Column<Row>[] = [
    { head: "Type", cell: ({ type }) => type },
    { head: "Value", cell: ({ type, id, place }) => <Masked name={`${type}, identifier ${place}`} value={id} /> },
    { head: "Since", cell: ({ created_at }) => <Time at={created_at} /> },
  ];
  if (isMerged) columns.push({ head: "Profile", cell: ({ segment_id }) => <Carrier id={segment_id} root={root} /> });
  if (onDelete !== null) {
    columns.push({ head: "Action", cell: (row) => <DeleteButton row={row} onClick={() => onDelete(row)} /> });
  }
  return columns;
}

/** Which of the merged profiles has the identifier. */
function Carrier({ id, root }: { id: string | null | undefined; root: string }) {
  if (id === root || !id) return <span className="tag">root</span>;
  return (
    <span title={id}>
      <span className="tag">member</span> <span className="id">…{id.slice(-8)}</span>
    </span>
  );
}

function DeleteButton({ row: { type, place }, onClick }: { row: Row; onClick: () => void }) {
  const reason = type === "group_id" ? "A group_id cannot be deleted alone." : null;
  return (
    <Button kind="quiet" reason={reason} aria-label={`Delete ${type}, identifier ${place}`} onClick={onClick}>
      Delete
    </Button>
  );
}
