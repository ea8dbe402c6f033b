import { readFileSync } from "node:fs";
import { addProfile } from "./profile.mjs";
import { makeSegment } from "./segment.mjs";
import { makeSpace } from "./space.mjs";

/** Loads spaces and profiles in the format of `docs/load-format.md`, which `cargo local --seed` loads as well. */
export function loadSeed(spaces, file) {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  for (const line of lines) {
    const { space, space_id, ...profile } = JSON.parse(line);
    if (space) loadSpace(spaces, space);
    else loadProfile(spaces.get(space_id), profile);
  }
}

function loadSpace(spaces, { id, approval_over, settling_seconds, activated = true, identifier_types = [] }) {
  const space = spaces.get(id) ?? makeSpace(id);
  spaces.set(id, space);
  if (approval_over !== undefined) space.approvalOver = approval_over;
  if (settling_seconds !== undefined) space.settlingSeconds = settling_seconds;
  space.isActivated = activated;
  for (const type of identifier_types) space.types.set(type.name ?? type, type.normalisation ?? "none");
}

function loadProfile(space, { timestamp, ...profile }) {
  const at = timestamp ? Date.parse(timestamp) : Date.now();
  for (const id of profile.segments ?? []) if (!space.segments.has(id)) makeSegment(space, { id, at });
  addProfile(space, { ...profile, at });
}
