import { commitment } from "./log.mjs";
import { badRequest, notFound, unsupportedType } from "./problem.mjs";
import { time, uuid7 } from "./space.mjs";

/** A value in the form in which values of its type are compared. */
const normalised = (space, type, value) => (space.types.get(type) === "lowercase" ? value.toLowerCase() : value);

/** Under which an identifier is kept. */
export const keyOf = (space, type, value) => `${type}\0${normalised(space, type, value)}`;

/** Makes a profile, or adds to the one that has its first identifier. */
export function addProfile(space, { external_ids, traits = {}, segments = [], at = Date.now(), merged_into }) {
  const [first] = external_ids;
  const found = space.identifiers.get(keyOf(space, first.type, first.id))?.profile;
  const id = found ?? `use_${uuid7(at)}`;
  const profile = space.profiles.get(id) ?? {
    id,
    merged_into: null,
    traits: {},
    segments: new Set(),
    created_at: at,
    updated_at: at,
    version: 1,
  };
  space.profiles.set(id, profile);
  if (merged_into) profile.merged_into = space.identifiers.get(keyOf(space, merged_into.type, merged_into.id)).profile;
  for (const { type, id: value } of external_ids) addIdentifier(space, profile, type, value, at);
  for (const [name, value] of Object.entries(traits)) profile.traits[name] = { value, updated_at: at };
  for (const segment of segments) profile.segments.add(segment);
  profile.updated_at = at;
  touch(space, profile);
  return profile;
}

function addIdentifier(space, profile, type, value, at) {
  const key = keyOf(space, type, value);
  if (space.identifiers.has(key)) return;
  const life = space.deletions.get(key)?.generation ?? 0;
  const made = commitment(type, normalised(space, type, value));
  const generation = life + 1;
  space.identifiers.set(key, { type, id: value, profile: profile.id, created_at: at, generation, ...made });
  const facts = {
    event: "identifier.created",
    id_type: type,
    subject: made.subject,
    normalisation: space.types.get(type),
    generation,
  };
  space.log.append(facts, at, { key, nonce: made.nonce });
}

/** Notes that something was added to a profile: plans of before leave it alone. */
export function touch(space, profile) {
  rootOf(space, profile).version += 1;
}

/** The profile that others were merged into, or the profile itself. */
export function rootOf(space, profile) {
  return profile.merged_into === null ? profile : space.profiles.get(profile.merged_into);
}

/** The root and all that was merged into it. */
export function membersOf(space, root) {
  return [root, ...[...space.profiles.values()].filter(({ merged_into }) => merged_into === root.id)];
}

/** The active identifiers of a merged profile, the oldest first. */
export function identifiersOf(space, root) {
  const ids = new Set(membersOf(space, root).map(({ id }) => id));
  return [...space.identifiers.values()].filter(({ profile }) => ids.has(profile));
}

/** The parts of `type:value`. */
export function selectorOf(text) {
  const colon = text.indexOf(":");
  if (colon < 0) throw badRequest("Missing required parameters in URL.");
  const [type, value] = [text.slice(0, colon), text.slice(colon + 1)];
  if (type === "" || value === "") throw badRequest("Missing required parameters in URL.");
  return { type, value };
}

/** The profile that has an identifier, or this own id; undefined where there is none. */
export function carrierOf(space, { type, value }) {
  if (type === "segment_id") return space.profiles.get(value);
  const found = space.identifiers.get(keyOf(space, type, value));
  return found && space.profiles.get(found.profile);
}

/** The root that the path names. */
export function rootOfPath(space, text) {
  const selector = selectorOf(text);
  if (selector.type !== "segment_id" && !space.types.has(selector.type)) throw unsupportedType();
  const carrier = carrierOf(space, selector);
  if (carrier === undefined) throw notFound("Profile");
  return rootOf(space, carrier);
}

/** The newest value of each trait, by name. */
export function traitsOf(space, root) {
  const newest = new Map();
  for (const { traits } of membersOf(space, root)) {
    for (const [name, trait] of Object.entries(traits)) {
      const before = newest.get(name);
      if (before === undefined || before.updated_at < trait.updated_at) newest.set(name, trait);
    }
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** An identifier as lists show it. */
export function identifierBody(found, isVerbose) {
  return {
    source_id: null,
    collection: "users",
    id: found.id,
    type: found.type,
    created_at: time(found.created_at),
    encoding: "none",
    first_message_id: null,
    ...(isVerbose ? { segment_id: found.profile } : {}),
  };
}
