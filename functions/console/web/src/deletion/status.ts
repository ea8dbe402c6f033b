import type { Schemas } from "../api/client.ts";

/** What is known of an identifier. Undefined is what the session may not read, or what the deployment does not keep. */
export interface Known {
  record: Schemas["DeletionRecord"] | null;
  /** The active identifiers of its type of the profile that has it; null where no profile has it. */
  active: Schemas["ExternalIdEntry"][] | null | undefined;
  /** What the log tells of it, the newest first. */
  events: Schemas["AuditEvent"][] | undefined;
}

export type Status =
  | { kind: "deleted"; record: Schemas["DeletionRecord"] }
  /** Active, after it was deleted at `removedAt`. */
  | { kind: "came_back"; since: string | null; profileId: string | null; removedAt: string }
  /** Active. `isFirst`: it was never deleted; null where that is not known. */
  | { kind: "active"; since: string | null; profileId: string | null; isFirst: boolean | null }
  | { kind: "never" }
  /** It was here, and neither is it active nor is there a record: its deletion may be running. */
  | { kind: "running" }
  /** There is no record: never deleted, or active again. */
  | { kind: "no_record" };

const REMOVED = "identifier.removed";

/** What has become of an identifier, as far as that is known. */
export function statusOf({ record, active, events }: Known, value: string, isLowercase: boolean): Status {
  if (record !== null) return { kind: "deleted", record };
  const last = events?.find(({ event }) => event === REMOVED || event === "identifier.created");
  const removedAt = events?.find(({ event }) => event === REMOVED)?.time;
  const createdAt = last?.event === REMOVED ? undefined : last?.time;
  const entry = active?.find(({ id }) => id === value || (isLowercase && id.toLowerCase() === value.toLowerCase()));
  const since = entry?.created_at ?? createdAt ?? null;
  const profileId = (entry ?? active?.[0])?.segment_id ?? null;
  // A record follows when the whole profile is gone. A log that tells of a deletion last may not know of a return yet.
  if (active === null) return { kind: last === undefined ? "never" : "running" };
  if (active === undefined && last?.event === REMOVED) return { kind: "running" };
  // Without a record it is active, or it never was there.
  if (removedAt !== undefined) return { kind: "came_back", since, profileId, removedAt };
  if (active) return { kind: "active", since, profileId, isFirst: events === undefined ? null : true };
  if (events === undefined) return { kind: "no_record" };
  return createdAt === undefined ? { kind: "never" } : { kind: "active", since, profileId, isFirst: true };
}
