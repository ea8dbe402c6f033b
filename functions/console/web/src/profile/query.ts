import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { answered, api, body, type Schemas } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { nextOf } from "../ui/more.tsx";
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
export function profilePath(space: string, profile: string) {
  return { space_id: space, collection: "users", profile };
}

/** When a profile was created and changed, and its own id. Fails where an identifier finds none. */
export async function metadataOf(space: string, profile: string): Promise<Schemas["Metadata"]> {
  const path = profilePath(space, profile);
  const sent = api.GET("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/metadata", {
    params: { path },
  });
  return (await body(sent)).metadata;
}

/** A page of a profile's identifiers. `include` names the only type that is read. */
export function identifiersOf(space: string, profile: string, next: string, include?: string) {
  const path = profilePath(space, profile);
  const query = { limit: LIMIT, verbose: true, next, ...(include === undefined ? {} : { include }) };
  return body(
    api.GET("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids", {
      params: { path, query },
    }),
  );
}

/** A page of a profile's traits. */
async function traitsOf(space: string, profile: string, next: string) {
  const params = { path: profilePath(space, profile), query: { limit: LIMIT, verbose: true, next } };
  return traitPage(
    await body(
      api.GET("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/traits", { params, parseAs: "text" }),
    ),
  );
}

/** What deleting the profile, or one identifier of it, would do. It changes nothing. */
export async function planOf(space: string, profile: string, target?: Identifier): Promise<Plan> {
  const params = { path: profilePath(space, profile) };
  const sent = api.POST("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/plan", {
    params,
    body: target === undefined ? {} : { delete_external_ids: [target] },
  });
  return (await body(sent)).plan;
}

/** A `user_id` of the profile other than the target, by which a request finds it. Null where there is none. */
export async function otherUserId(space: string, profile: string, target: Identifier): Promise<string | null> {
  for (let next: string | undefined = ""; next !== undefined; ) {
    const page: Schemas["ExternalIds"] = await identifiersOf(space, profile, next, "user_id");
    const found = page.data.find(({ type, id }) => type !== target.type || id !== target.id);
    if (found !== undefined) return found.id;
    next = nextOf(page);
  }
  return null;
}

/** Deletes one identifier of the profile that another `user_id` of it finds. */
export async function deleteIdentifier(space: string, userId: string, target: Identifier, key: string): Promise<void> {
  const params = { path: profilePath(space, `user_id:${userId}`), header: { "Idempotency-Key": key } };
  await body(
    api.POST("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids/delete", {
      params,
      body: { delete_external_ids: [target] },
    }),
  );
}

/** Deletes the profile that an identifier finds: its receipt, or the job that goes on with it. */
export async function deleteProfile(space: string, lookup: string, key: string) {
  const params = { path: profilePath(space, lookup), header: { "Idempotency-Key": key } };
  const sent = api.DELETE("/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}", { params });
  return (await answered(sent)).data;
}

/** Makes a job of one row, for what no request of its own can do, and returns its id. */
export async function createJob(space: string, job: Schemas["CreateJobBody"], key: string): Promise<string> {
  const params = { path: { space_id: space }, header: { "Idempotency-Key": key } };
  return (await body(api.POST("/v1/spaces/{space_id}/deletion_jobs", { params, body: job }))).job.id;
}

/** Everything that is shown of profiles. What changes one makes it load again. */
export const PROFILES = "profile";

export function useMetadata(id: string) {
  const { space } = useSession();
  return useQuery({
    queryKey: [PROFILES, space, id, "metadata"],
    queryFn: () => metadataOf(space, ownSelector(id)),
  });
}

export function useIdentifiers(id: string) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: [PROFILES, space, id, "identifiers"],
    queryFn: ({ pageParam }) => identifiersOf(space, ownSelector(id), pageParam),
    initialPageParam: "",
    getNextPageParam: nextOf,
  });
}

export function useTraits(id: string) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: [PROFILES, space, id, "traits"],
    queryFn: ({ pageParam }) => traitsOf(space, ownSelector(id), pageParam),
    initialPageParam: "",
    getNextPageParam: nextOf,
  });
}

/** What the whole profile has, for the screen. */
export function useExtent(id: string) {
  const { space } = useSession();
  return useQuery({ queryKey: [PROFILES, space, id, "plan"], queryFn: () => planOf(space, ownSelector(id)) });
}

/** What a dialog asks consent for. It is read once and stays as it was read: a consent is to what was seen. */
export function usePlan<T>(id: string, target: Identifier | null, read: () => Promise<T>) {
  const { space } = useSession();
  return useQuery({
    queryKey: ["plan", space, id, target],
    queryFn: read,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}
