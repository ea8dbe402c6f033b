import { plural } from "../ui/time.tsx";
import type { Plan, PlanPart } from "./query.ts";

/** What a part of a plan comes to: "4 identifiers, 2 traits and 1 merged profile". Empty where it has nothing. */
export function extentOf({ external_ids, traits, segments, profiles }: PlanPart): string {
  const merged = profiles.filter(({ merged_into }) => merged_into !== null);
  return sentence([
    external_ids.length > 0 ? plural(external_ids.length, "identifier") : "",
    traits.length > 0 ? plural(traits.length, "trait") : "",
    segments.length > 0 ? plural(segments.length, "membership") : "",
    merged.length > 0 ? plural(merged.length, "merged profile") : "",
  ]);
}

/** Words with commas, and with "and" before the last one. */
export function sentence(words: readonly string[]): string {
  const said = words.filter((word) => word !== "");
  const last = said.pop() ?? "";
  return said.length === 0 ? last : `${said.join(", ")} and ${last}`;
}

/** The traits that stay although they repeat the value that goes. */
export function repeatsThatStay({ stays, repeats }: Plan): string[] {
  return [...new Set(repeats.map(({ trait }) => trait))].filter((trait) => stays.traits.includes(trait));
}
