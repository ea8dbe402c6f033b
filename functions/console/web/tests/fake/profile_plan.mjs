import { Problem } from "./problem.mjs";
import { identifiersOf, keyOf, membersOf, rootOf, rootOfPath, traitsOf } from "./profile.mjs";
import { time } from "./space.mjs";

/** More entries than these are cut from a plan. */
const MOST = 1_000;

/** What deleting a profile, or one of its identifiers, would delete, and what would stay. */
export function profilePlan({ space, parts, body }) {
  const root = rootOfPath(space, parts[0]);
  const identifiers = identifiersOf(space, root);
  const [target] = body?.delete_external_ids ?? [];
  const found = target && space.identifiers.get(keyOf(space, target.type, target.id));
  if (target && (!found || rootOf(space, space.profiles.get(found.profile)) !== root)) {
    throw new Problem(404, "eid_not_found", "External identifier not found.");
  }
  const goesIds = found ? [found] : identifiers;
  const rest = profileParts(space, root);
  const nothing = { traits: [], segments: [], profiles: [] };
  const plan = {
    action: found ? "delete_identifier" : "delete_profile",
    profile_id: root.id,
    goes: { external_ids: goesIds.slice(0, MOST).map(shown), ...(found ? nothing : rest) },
    stays: {
      external_ids: identifiers.filter((each) => found && each !== found).map(shown),
      ...(found ? rest : nothing),
    },
    repeats: repeatsOf(space, root, goesIds),
    is_last_user_id: found?.type === "user_id" && identifiers.filter(({ type }) => type === "user_id").length === 1,
    is_complete: goesIds.length <= MOST,
  };
  return { body: { plan } };
}

const shown = ({ profile, type, id, created_at }) => ({ profile_id: profile, type, id, created_at: time(created_at) });

function profileParts(space, root) {
  const members = membersOf(space, root);
  return {
    traits: traitsOf(space, root).map(([name]) => name),
    segments: [...new Set(members.flatMap(({ segments }) => [...segments]))].sort(),
    profiles: members.map(({ id, merged_into }) => ({ id, merged_into })),
  };
}

/** Traits whose value repeats the value of an identifier that goes. */
function repeatsOf(space, root, identifiers) {
  return traitsOf(space, root).flatMap(([trait, { value }]) =>
    identifiers.filter(({ id }) => id === value).map(({ type, id }) => ({ trait, type, id })),
  );
}
