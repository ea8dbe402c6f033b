import type { Schemas } from "../api/client.ts";
import { number } from "../ui/time.tsx";
import { doneOf, OUTCOMES, outcomeMeaning, outcomesTold, outcomeWord } from "./words.ts";

type Outcome = Schemas["Outcome"];

interface Counted {
  rows: number;
  remaining: number;
  counts: Schemas["Counts"];
}

/** The series of an outcome: what was not carried out has one colour, and is told apart in words. */
const SERIES: Record<Outcome, number> = {
  deleted: 0,
  duplicate: 3,
  not_found: 2,
  invalid: 1,
  protected: 1,
  failed: 1,
  changed: 1,
};

const WIDTH = 1_000;
const HEIGHT = 10;

/** Rows by outcome as a stacked bar. The words beside it say the same. */
export function OutcomeBar({ rows, counts }: Counted) {
  let left = 0;
  return (
    <svg className="outcome-bar" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {OUTCOMES.map((outcome) => {
        const width = ((counts[outcome] ?? 0) / Math.max(rows, 1)) * WIDTH;
        const x = left;
        left += width;
        return width === 0 ? null : (
          <rect key={outcome} className={`series-${SERIES[outcome]}`} x={x} y={0} width={width} height={HEIGHT} />
        );
      })}
    </svg>
  );
}

/** The bar with its numbers, for the cell of a table. */
export function OutcomeCell({ of, isDryRun }: { of: Counted; isDryRun: boolean }) {
  const told = outcomesTold(of.counts, isDryRun);
  return (
    <div className="outcome-cell">
      <OutcomeBar {...of} />
      <small>{told.length === 0 ? "none yet" : told.join(" · ")}</small>
    </div>
  );
}

/** What each outcome means, with its number and the colour of its part of the bar. */
export function OutcomeLegend({ of, isDryRun }: { of: Counted; isDryRun: boolean }) {
  const present = OUTCOMES.filter((outcome) => (of.counts[outcome] ?? 0) > 0);
  return (
    <ul className="counted">
      {present.map((outcome) => (
        <li key={outcome}>
          <span className={`key series-${SERIES[outcome]}`} aria-hidden="true" />
          <strong>{number(of.counts[outcome] ?? 0)}</strong>
          <span>
            {outcomeWord(outcome, isDryRun)} <small>{outcomeMeaning(outcome, isDryRun)}</small>
          </span>
        </li>
      ))}
      {of.remaining > 0 && (
        <li>
          <span className="key rest" aria-hidden="true" />
          <strong>{number(of.remaining)}</strong>
          <span>
            {doneOf(of) > 0 ? "remaining" : "to do"} <small>These rows have no outcome yet.</small>
          </span>
        </li>
      )}
    </ul>
  );
}
