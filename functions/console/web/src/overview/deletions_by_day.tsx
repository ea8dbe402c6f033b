import { Permitted } from "../session/permitted.tsx";
import { Bars } from "../ui/bars.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import { type DayCounts, useDeletionCounts } from "./query.ts";

const SERIES = ["identifiers", "profiles"];

/** What was deleted on each of the last 30 days. */
export function DeletionsByDay() {
  return (
    <Card title="Deletions per day">
      <Permitted permission="read_deletions" what="how much was deleted">
        <Counts />
      </Permitted>
    </Card>
  );
}

function Counts() {
  return (
    <Loaded query={useDeletionCounts()} what="the numbers">
      {(days) => <Days days={days} />}
    </Loaded>
  );
}

function Days({ days }: { days: readonly DayCounts[] }) {
  const sum = (of: (day: DayCounts) => number) => days.reduce((all, day) => all + of(day), 0);
  const [identifiers, profiles] = [sum((day) => day.identifiers), sum((day) => day.profiles)];
  if (identifiers + profiles === 0)
    return <Empty title={`Nothing was deleted in the last ${plural(days.length, "day")}.`} />;
  return (
    <div className="stack">
      <p>
        {plural(identifiers, "identifier")} and {plural(profiles, "profile")} in {plural(days.length, "day")}, by UTC.
      </p>
      <Bars
        title="Deletions per day"
        of="Day"
        series={SERIES}
        bars={days.map((day) => ({ name: day.day, values: [day.identifiers, day.profiles] }))}
      />
    </div>
  );
}
