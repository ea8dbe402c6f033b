import type { ReactNode } from "react";
import type { Schemas } from "../api/client.ts";
import { Lines } from "../ui/lines.tsx";
import { about, number, plural } from "../ui/time.tsx";
import { type NearMiss, NearMissNotice } from "./near_miss.tsx";
import { OUTCOMES, outcomeMeaning, outcomeWord } from "./words.ts";

type Plan = Schemas["Plan"];

interface PlanViewProps {
  plan: Plan;
  /** What a row deletes. */
  action: Schemas["Action"];
  /** What is told of rows that would be found in another form. */
  nearMisses?: ReactNode;
}

/** What a dry run has found: what would be deleted, and what would not. */
export function PlanView({ plan, action, nearMisses }: PlanViewProps) {
  return (
    <div className="stack">
      <div className="cards">
        <Part title="Goes" none="Nothing would be deleted." lines={goes(plan, action)} />
        <Part title="Stays" none="Every row would delete something." lines={stays(plan)} />
      </div>
      {plan.consequences.length > 0 && (
        <section aria-label="Consequences" className="stack">
          <h3>Consequences</h3>
          <Lines of={plan.consequences} />
        </section>
      )}
      {nearMisses ?? (
        <NearMissNotice plan={plan} each={(kind) => <FirstRows plan={plan} kind={kind} />}>
          <p>They delete nothing as they are. Correct them where they come from, and make another dry run.</p>
        </NearMissNotice>
      )}
      <p className="soft">
        {plural(plan.rows, "row")} · takes {about(plan.estimated_seconds)} · costs {dollars(plan.estimated_cost_usd)} in
        requests to the table
      </p>
    </div>
  );
}

type Line = readonly [count: number, text: string, meaning?: string];

function goes(plan: Plan, action: Schemas["Action"]): Line[] {
  if (action === "delete_identifier")
    return some([[plan.profiles, plan.profiles === 1 ? "identifier" : "identifiers"]]);
  return some([
    [plan.profiles, plan.profiles === 1 ? "profile" : "profiles"],
    [plan.merges, `merged into ${plan.profiles === 1 ? "it" : "them"}`],
    [plan.identifiers, plan.identifiers === 1 ? "identifier" : "identifiers"],
    [plan.memberships, `${plan.memberships === 1 ? "membership" : "memberships"} of segments`],
  ]);
}

/** The rows that would delete nothing, by outcome. */
function stays({ rows, profiles, not_found, duplicates, protected: kept, invalid }: Plan): Line[] {
  const failed = rows - profiles - not_found - duplicates - kept - invalid;
  const counts: Schemas["Counts"] = { not_found, duplicate: duplicates, protected: kept, invalid, failed };
  return some(
    OUTCOMES.map((outcome) => [counts[outcome] ?? 0, outcomeWord(outcome, true), outcomeMeaning(outcome, true)]),
  );
}

function some(lines: Line[]): Line[] {
  return lines.filter(([count]) => count > 0);
}

function Part({ title, none, lines }: { title: string; none: string; lines: Line[] }) {
  return (
    <section className="card" aria-label={title}>
      <h3>{title}</h3>
      {lines.length === 0 && <p>{none}</p>}
      <ul className="counted">
        {lines.map(([count, text, meaning]) => (
          <li key={text}>
            <strong>{number(count)}</strong>{" "}
            <span>
              {text} <small>{meaning}</small>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The first rows of a kind of near misses. A plan with such rows is of one page. */
function FirstRows({ plan: { near_misses = [], ...plan }, kind }: { plan: Plan; kind: NearMiss }) {
  const rows = near_misses.filter(({ code }) => code === kind).map(({ row }) => number(row + 1));
  if (rows.length === 0) return null;
  return (
    <p className="soft">
      {rows.length < plan[kind] ? "The first rows" : "Rows"}, counted from 1: {rows.join(", ")}.
    </p>
  );
}

function dollars(amount: number): string {
  if (amount > 0 && amount < 0.01) return "less than US$0.01";
  return `about US$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
