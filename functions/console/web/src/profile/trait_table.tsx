import { Empty } from "../ui/loaded.tsx";
import { Masked, Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { Table } from "../ui/table.tsx";
import { Time } from "../ui/time.tsx";
import { useTraits } from "./query.ts";

/** What else is known of a person, as JSON. */
export function TraitTable({ root }: { root: string }) {
  return (
    <Card title="Traits">
      <Pages query={useTraits(root)} what="traits">
        {(rows) => (
          <Table
            caption="All traits"
            rows={rows}
            rowKey={({ name }) => name}
            cells={({ name, json, updatedAt }) => ({
              Name: <Value text={name} />,
              Value: (
                <div className="json">
                  <Masked name={`the value of ${name}`} text={json} hasLines />
                </div>
              ),
              "Last change": <Time at={updatedAt} />,
            })}
            empty={<Empty title="The profile has no traits." />}
          />
        )}
      </Pages>
    </Card>
  );
}
