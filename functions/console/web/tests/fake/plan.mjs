import { createHash } from "node:crypto";
import { sizeOf } from "./job.mjs";

const some = (count, one, many) => (count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]);

/** What would happen, in words. */
function consequences(action, counts, extent) {
  const isIdentifiers = action === "delete_identifier";
  const [one, many] = isIdentifiers ? ["identifier is", "identifiers are"] : ["profile is", "profiles are"];
  const gone = some(counts.deleted, one, many).map((what) => `${what} deleted for good.`);
  const parts = isIdentifiers
    ? []
    : [
        some(extent.identifiers, "identifier goes", "identifiers go"),
        some(extent.merges, "merged profile goes", "merged profiles go"),
        some(extent.memberships, "membership of a segment goes", "memberships of segments go"),
      ].flat();
  const rest = [
    some(counts.not_found, "row finds nothing", "rows find nothing"),
    some(counts.duplicate, "row names what another row deletes", "rows name what other rows delete"),
    some(counts.invalid, "row cannot be read", "rows cannot be read"),
    some(
      counts.protected,
      "row would leave a profile without a user_id",
      "rows would leave a profile without a user_id",
    ),
  ].flat();
  const told = [
    ...gone,
    ...parts.map((part) => `${part} with that.`),
    ...rest.map((part) => `${part}: nothing happens.`),
  ];
  return gone.length === 0 ? ["Nothing is deleted.", ...told] : told;
}

/** The plan of a dry run, all of whose rows are looked at. */
export function planOf(job) {
  const { counts, extent } = job;
  const near = job.results.flatMap(({ code }, place) =>
    code === "other_case" || code === "other_form" ? [{ row: job.rows[place].row, code }] : [],
  );
  const of = (code) => near.filter((miss) => miss.code === code).length;
  const found = job.results.flatMap(({ found: each }) => (each ? [`${each.id}/${each.version}`] : []));
  return {
    rows: sizeOf(job),
    invalid: counts.invalid,
    profiles: counts.deleted,
    not_found: counts.not_found,
    duplicates: counts.duplicate,
    protected: counts.protected,
    merges: extent.merges,
    identifiers: extent.identifiers,
    memberships: extent.memberships,
    other_case: of("other_case"),
    other_form: of("other_form"),
    ...(near.length > 0 ? { near_misses: near.slice(0, 20) } : {}),
    consequences: consequences(job.action, counts, extent),
    estimated_seconds: Math.ceil(counts.deleted / 200),
    estimated_cost_usd: counts.deleted * 0.000_012,
    digest:
      job.action === "delete_identifier" ? null : createHash("sha256").update(found.sort().join()).digest("base64url"),
  };
}
