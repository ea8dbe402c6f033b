import { Problem } from "../api/problem.ts";
import type { Reason } from "../session/permission.ts";
import { Bars } from "../ui/bars.tsx";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import { type DayCounts, useDeletionCounts } from "./query.ts";

const SERIES = ["identifiers", "profiles"];

/** What was deleted on each of the last 30 days. */
export function DeletionsByDay({ reason }: { reason: Reason }) {
  const counts = useDeletionCounts(reason === null);
  const isOff = counts.error instanceof Problem && counts.error.code === "journal_off";
  return (
    <Card title="Deletions per day">
      {reason !== null ? (
        <Forbidden what="how much was deleted" reason={reason} />
      ) : isOff ? (
        <p className="soft">This deployment keeps no journal, so nothing is counted by day.</p>
      ) : (
        <Loaded query={counts} what="the numbers">
          {(days) => <Days days={days} />}
        </Loaded>
      )}
    </Card>
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
