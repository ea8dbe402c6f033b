import type { Schemas } from "../api/client.ts";
import { plural } from "../ui/time.tsx";
import { OutcomeCell } from "./outcome_bar.tsx";
import { sumOf } from "./totals.ts";

/** What the jobs of a list add up to, as the API says. Dry runs are in no sum. */
export function JobTotals({ pages, isMine }: { pages: readonly Schemas["JobList"][]; isMine: boolean }) {
  const sums = sumOf(pages, isMine);
  if (sums === null) return null;
  return (
    <section className="card" aria-label="Totals">
      <p>
        <strong>
          {sums.isComplete ? "" : "At least "}
          {plural(sums.jobs, "job")}, {plural(sums.rows, "row")}
        </strong>{" "}
        <span className="soft">
          {sums.isComplete ? "" : isMine ? "on these pages. " : "There are more than the API adds up. "}
          Dry runs are not counted.
        </span>
      </p>
      <OutcomeCell of={sums} isDryRun={false} />
    </section>
  );
}
