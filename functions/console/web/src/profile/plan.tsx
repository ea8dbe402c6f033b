import type { ReactNode } from "react";
import { Lines } from "../ui/lines.tsx";
import { Masked, Value } from "../ui/masked.tsx";
import { Notice } from "../ui/notice.tsx";
import { plural } from "../ui/time.tsx";
import { repeatsThatStay } from "./extent.ts";
import type { Plan, PlanPart } from "./query.ts";

/** Longer lists are closed at first. */
const FEW = 10;

/** What a deletion takes away and what it leaves, side by side, and what somebody may not expect of it. */
export function ProfilePlan({ plan }: { plan: Plan }) {
  const repeats = repeatsThatStay(plan);
  return (
    <>
      <div className="sides">
        <section className="side goes" aria-label="What goes">
          <h3>Goes</h3>
          <Part part={plan.goes} isOpen />
        </section>
        <section className="side stays" aria-label="What stays">
          <h3>Stays</h3>
          <Part part={plan.stays} />
          <p>A record of the deletion, without values: when, by which token, and why.</p>
        </section>
      </div>
      {!plan.is_complete && (
        <Notice kind="warning" title="The lists are not complete">
          The profile is very large, and only a part of it is listed.
          {plan.action === "delete_profile" && " All of it is deleted."}
        </Notice>
      )}
      {repeats.length > 0 && (
        <Notice kind="warning" title="The value also stands in what stays">
          <p>
            {repeats.length === 1 ? "This trait repeats the value" : "These traits repeat the value"}, and the deletion
            does not change it:
          </p>
          <Names names={repeats} />
          <p>To delete that as well, delete the profile, or load the trait anew without the value.</p>
        </Notice>
      )}
    </>
  );
}

/** What goes, or what stays. */
function Part({ part, isOpen = false }: { part: PlanPart; isOpen?: boolean }) {
  const { external_ids, traits, segments, profiles } = part;
  const merged = profiles.filter(({ merged_into }) => merged_into !== null);
  const hasRoot = profiles.length > merged.length;
  const list = (count: number, noun: string, items: ReactNode) =>
    count > 0 && (
      <details open={isOpen && count <= FEW}>
        <summary>{plural(count, noun)}</summary>
        {items}
      </details>
    );
  return (
    <>
      {hasRoot && <p>The profile {merged.length > 0 ? "and all that was merged into it" : "itself"}.</p>}
      {list(external_ids.length, "identifier", <Identifiers ids={external_ids} />)}
      {list(traits.length, "trait", <Names names={traits} />)}
      {list(segments.length, "membership", <Names names={segments} />)}
      {list(merged.length, "merged profile", <Names names={merged.map(({ id }) => id)} />)}
    </>
  );
}

function Identifiers({ ids }: { ids: PlanPart["external_ids"] }) {
  return (
    <ul>
      {ids.map(({ type, id }, place) => (
        <li key={`${type}:${id}`}>
          {type} <Masked name={`${type} ${place + 1}`} text={id} />
        </li>
      ))}
    </ul>
  );
}

/** Names of traits, or ids. */
function Names({ names }: { names: readonly string[] }) {
  return <Lines of={names} show={(name) => <Value text={name} />} />;
}
