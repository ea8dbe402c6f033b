import type { ReactNode } from "react";
import type { Schemas } from "../api/client.ts";
import { Notice } from "../ui/notice.tsx";
import { about, number, plural } from "../ui/time.tsx";

type Plan = Schemas["Plan"];

interface PlanViewProps {
  plan: Plan;
  /** What a row deletes. */
  action?: Schemas["Action"];
}

/** What a dry run has found: what would be deleted, and what would not. */
export function PlanView({ plan, action = "delete_profile" }: PlanViewProps) {
  return (
    <div className="stack">
      <div className="cards">
        <Part title="Goes" none="Nothing would be deleted." lines={goes(plan, action)} />
        <Part title="Stays" none="Every row would delete something." lines={stays(plan)} />
      </div>
      {plan.consequences.length > 0 && (
        <section aria-label="Consequences" className="stack">
          <h3>Consequences</h3>
          <ul>
            {plan.consequences.map((consequence) => (
              <li key={consequence}>
                <bdi>{consequence}</bdi>
              </li>
            ))}
          </ul>
        </section>
      )}
      <NearMisses plan={plan} />
      <p className="soft">
        {plural(plan.rows, "row")} · takes {about(plan.estimated_seconds)} · costs {dollars(plan.estimated_cost_usd)} in
        requests to the table
      </p>
    </div>
  );
}

type Line = readonly [count: number, text: string];

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

function stays(plan: Plan): Line[] {
  const { rows, profiles, not_found, duplicates, protected: kept, invalid } = plan;
  const rest = rows - profiles - not_found - duplicates - kept - invalid;
  return some([
    [not_found, "not found: there is nothing to delete"],
    [duplicates, "named again: another row deletes the same"],
    [kept, "protected: a profile that has a user_id keeps one"],
    [invalid, "invalid: the row cannot be read"],
    [rest, "failed: the row could not be looked up"],
  ]);
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
        {lines.map(([count, text]) => (
          <li key={text}>
            <strong>{number(count)}</strong> <span>{text}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** That rows would be found if they were written otherwise: the most common fault of a list from another system. */
function NearMisses({ plan }: { plan: Plan }) {
  const { other_case, other_form, near_misses = [] } = plan;
  if (other_case + other_form === 0) return null;
  const rowsOf = (code: string) => near_misses.filter((miss) => miss.code === code).map(({ row }) => number(row));
  return (
    <Notice kind="warning" title="Some rows would be found if they were written in another way">
      <ul>
        <Hint count={other_case} rows={rowsOf("other_case")}>
          in lower or in upper case.
        </Hint>
        <Hint count={other_form} rows={rowsOf("other_form")}>
          without blanks or invisible characters, or with its accents written as one letter.
        </Hint>
      </ul>
      <p>They delete nothing as they are. Correct them where they come from, and make another dry run.</p>
    </Notice>
  );
}

function Hint({ count, rows, children }: { count: number; rows: string[]; children: ReactNode }) {
  if (count === 0) return null;
  return (
    <li>
      {plural(count, "row")} would be found {children}
      {rows.length > 0 && (
        <span className="soft">
          {" "}
          {rows.length < count ? "The first rows" : "Rows"}, counted from 0: {rows.join(", ")}.
        </span>
      )}
    </li>
  );
}

function dollars(amount: number): string {
  if (amount > 0 && amount < 0.01) return "less than US$0.01";
  return `about US$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
