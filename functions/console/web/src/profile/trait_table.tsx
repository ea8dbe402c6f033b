import { Empty, Loaded } from "../ui/loaded.tsx";
import { Masked, Value } from "../ui/masked.tsx";
import { More } from "../ui/more.tsx";
import { Card } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Time } from "../ui/time.tsx";
import { useTraits } from "./query.ts";
import type { Trait } from "./trait.ts";

const COLUMNS = [
  { head: "Name", cell: ({ name }: Trait) => <Value text={name} /> },
  {
    head: "Value",
    cell: ({ name, json }: Trait) => (
      <div className="json">
        <Masked name={`the value of ${name}`} value={json} />
      </div>
    ),
  },
  { head: "Last change", cell: ({ updatedAt }: Trait) => <Time at={updatedAt} /> },
];

/** What else is known of a person, as JSON. */
export function TraitTable({ root }: { root: string }) {
  const traits = useTraits(root);
  return (
    <Card title="Traits">
      <Loaded query={traits} what="the traits">
        {({ pages }) => (
          <Table
            caption="All traits"
            columns={COLUMNS}
            rows={pages.flatMap((page) => page.traits)}
            rowKey={({ name }) => name}
            empty={<Empty title="The profile has no traits." />}
          />
        )}
      </Loaded>
      <More query={traits} what="traits" />
    </Card>
  );
}
