import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { useDeletionReason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { focusMain } from "../ui/focused.tsx";
import { Empty } from "../ui/loaded.tsx";
import { Masked } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { Table } from "../ui/table.tsx";
import { Time } from "../ui/time.tsx";
import { DeleteIdentifier } from "./delete_identifier.tsx";
import { useIdentifiers } from "./query.ts";

type Entry = Schemas["ExternalIdEntry"];

/** An identifier and its place in the list, by which it is called while its value is hidden. */
type Row = Entry & { place: number };

/** By what a person is found. */
export function IdentifierTable({ root }: { root: string }) {
  const reason = useDeletionReason("delete_identifiers");
  const [target, setTarget] = useState<Entry | null>(null);
  const close = (isDone: boolean) => {
    setTarget(null);
    if (isDone) focusMain();
  };
  return (
    <Card title="Identifiers">
      <Pages query={useIdentifiers(root)} what="identifiers">
        {(entries) => {
          const rows = entries.map((entry, place) => ({ ...entry, place: place + 1 }));
          const isMerged = rows.some(({ segment_id }) => segment_id !== root);
          return (
            <Table
              caption="All identifiers"
              rows={rows}
              rowKey={({ type, id }) => `${type}:${id}`}
              cells={(row) => ({
                Type: row.type,
                Value: <Masked name={`${row.type}, identifier ${row.place}`} text={row.id} />,
                Since: <Time at={row.created_at} />,
                ...(isMerged && { Profile: <Carrier id={row.segment_id} root={root} /> }),
                // Who can delete none has one button below the rows, which says why.
                ...(reason === null && { Action: <DeleteButton row={row} onClick={() => setTarget(row)} /> }),
              })}
              empty={<Empty title="The profile has no active identifier." />}
            />
          );
        }}
      </Pages>
      {reason !== null && <Button reason={reason}>Delete an identifier</Button>}
      {target !== null && <DeleteIdentifier root={root} target={target} onClose={close} />}
    </Card>
  );
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
