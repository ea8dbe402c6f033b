import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { Problem } from "../api/problem.ts";
import { wait } from "../api/wait.ts";
import { ONCE } from "../ui/once.ts";
import { nextOf, usePages } from "../ui/pages.tsx";
import { traitPage } from "./trait.ts";

/** A type and a value. */
export type Identifier = Schemas["DeleteBodyId"];

export type PlannedProfile = Schemas["MergedProfile"];
export type PlanPart = Schemas["ProfileParts"];
export type Plan = Schemas["ProfilePlan"];

/** The largest page of a list. */
const LIMIT = 100;

/** A profile's own id as a selector: it is no personal data, and finds the profile also where a member has it. */
export function ownSelector(id: string): string {
  return `segment_id:${id}`;
}

/** The parameters of a path that names a profile. */
const pathOf = (profile: string) => ({ collection: "users", profile });

/** The path of a profile, for commands. */
export function profilePath(profile: string): string {
  return fillPath("/collections/{collection}/profiles/{profile}", pathOf(profile));
}

/** When a profile was created and changed, and its own id. Fails where an identifier finds none. */
export async function metadataOf(profile: string): Promise<Schemas["Metadata"]> {
  const params = { path: pathOf(profile) };
  return (await body(api().GET("/collections/{collection}/profiles/{profile}/metadata", { params }))).metadata;
}

/** A page of a profile's identifiers. `include` names the only type that is read. */
export function identifiersOf(profile: string, next: string, include?: string) {
  const params = { path: pathOf(profile), query: { limit: LIMIT, verbose: true, next, ...(include && { include }) } };
  return body(api().GET("/collections/{collection}/profiles/{profile}/external_ids", { params }));
}

/** A page of a profile's traits. */
async function traitsOf(profile: string, next: string) {
  const params = { path: pathOf(profile), query: { limit: LIMIT, verbose: true, next } };
  const sent = api().GET("/collections/{collection}/profiles/{profile}/traits", { params, parseAs: "text" });
  return traitPage(await body(sent));
}

/** What deleting the profile, or one identifier of it, would do. It changes nothing. */
export async function planOf(profile: string, target?: Identifier): Promise<Plan> {
  const request = { params: { path: pathOf(profile) }, body: target ? { delete_external_ids: [target] } : {} };
  return (await body(api().POST("/collections/{collection}/profiles/{profile}/plan", request))).plan;
}

/** A `user_id` of the profile other than the target, by which a request finds it. Null where there is none. */
export async function otherUserId(profile: string, target: Identifier): Promise<string | null> {
  for (let next: string | undefined = ""; next !== undefined; ) {
    const page: Schemas["ExternalIds"] = await identifiersOf(profile, next, "user_id");
    const found = page.data.find(({ type, id }) => type !== target.type || id !== target.id);
    if (found !== undefined) return found.id;
    next = nextOf(page);
  }
  return null;
}

/** Deletes one identifier of the profile that another `user_id` of it finds. */
export function deleteIdentifier(userId: string, target: Identifier, key: string) {
  const params = { path: pathOf(`user_id:${userId}`), header: { "Idempotency-Key": key } };
  const request = { params, body: { delete_external_ids: [target] } };
  return body(api().POST("/collections/{collection}/profiles/{profile}/external_ids/delete", request));
}

/** Makes a job of one row, for what no request of its own can do. */
export async function createJob(job: Schemas["CreateJobBody"], key: string, signal?: AbortSignal) {
  const params = { header: { "Idempotency-Key": key } };
  return (await body(api().POST("/deletion_jobs", { params, body: job, ...(signal && { signal }) }))).job;
}

/** How often a dry run that takes longer is asked for, in milliseconds. */
const POLL_MS = 1_000;

/** Makes a dry run of deleting the profile with this own id, and waits for it. Null where it finds none. */
export async function dryRunOf(root: string, signal: AbortSignal): Promise<string | null> {
  let job = await createJob({ action: "delete_profile", rows: [root], dry_run: true }, crypto.randomUUID(), signal);
  const { id } = job;
  while (job.state !== "completed" && job.state !== "paused" && job.state !== "cancelled") {
    await wait(POLL_MS, signal);
    job = (await body(api().GET("/deletion_jobs/{job_id}", { params: { path: { job_id: id } }, signal }))).job;
  }
  if (job.state !== "completed" || job.counts.failed) {
    throw new Problem(0, "no_plan", "The dry run could not look the profile up. Nothing was deleted.", null);
  }
  return job.counts.deleted === 0 ? null : id;
}

/** Makes the job that deletes the profile as a dry run has found it, at once. One that has changed since is left alone. */
export function executeDryRun(id: string, key: string) {
  const params = { path: { job_id: id }, header: { "Idempotency-Key": key } };
  return body(api().POST("/deletion_jobs/{job_id}/execute", { params, body: {} }));
}

/** Everything that is shown of profiles. What changes one makes it load again. */
export const PROFILES = "profile";

export function useMetadata(id: string) {
  return useQuery({ queryKey: [PROFILES, id, "metadata"], queryFn: () => metadataOf(ownSelector(id)) });
}

export function useIdentifiers(id: string) {
  return usePages([PROFILES, id, "identifiers"], (next) => identifiersOf(ownSelector(id), next));
}

export function useTraits(id: string) {
  return usePages([PROFILES, id, "traits"], (next) => traitsOf(ownSelector(id), next));
}

/** What the whole profile has, for the screen. */
export function useExtent(id: string) {
  return useQuery({ queryKey: [PROFILES, id, "plan"], queryFn: () => planOf(ownSelector(id)) });
}

/** What a dialog asks consent for. It is read once and stays as it was read: a consent is to what was seen. */
export function usePlan<T>(
  id: string,
  target: Identifier | null,
  read: (context: { signal: AbortSignal }) => Promise<T>,
) {
  return useQuery({ queryKey: ["plan", id, target], queryFn: read, ...ONCE });
}
