import { api, body, type Schemas } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { identifiersOf } from "../profile/query.ts";
import type { Known } from "./status.ts";

/** Everything that is shown of deletions. */
export const RECORDS = "deletion";

/** What a request finds; null where the API says that there is nothing. */
async function found<T>(sent: Promise<T>): Promise<T | null> {
  return sent.catch((problem: unknown) => {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  });
}

/** The record of an identifier's deletion; null where it is active, or never was. */
export async function recordOf(space: string, identifier: string): Promise<Schemas["DeletionRecord"] | null> {
  const path = { space_id: space, identifier };
  const sent = api.GET("/v1/spaces/{space_id}/deletions/{identifier}", { params: { path } });
  return (await found(body(sent)))?.deletion ?? null;
}

/** The active identifiers of the same type of the profile that an identifier finds; null where it finds none. */
async function activeOf(space: string, identifier: string) {
  const type = identifier.slice(0, identifier.indexOf(":"));
  return (await found(identifiersOf(space, identifier, "", type)))?.data ?? null;
}

/** The newest entries of the log about an identifier; undefined where this deployment keeps none. */
async function eventsOf(space: string, identifier: string): Promise<Schemas["AuditEvent"][] | undefined> {
  const sent = api.GET("/v1/spaces/{space_id}/audit_events", {
    params: { path: { space_id: space }, query: { identifier, limit: 10 } },
  });
  return body(sent as Promise<{ data?: Schemas["AuditEvents"]; response: Response }>).then(
    ({ data }) => data,
    (problem: unknown) => {
      if (problem instanceof Problem && problem.code === "journal_off") return undefined;
      throw problem;
    },
  );
}

/** All that a session may know of an identifier: its record, else whether it is active, and what the log tells of it. */
export async function knownOf(
  space: string,
  identifier: string,
  may: { readProfiles: boolean; readLog: boolean },
): Promise<Known> {
  const record = await recordOf(space, identifier);
  if (record !== null) return { record, active: null, events: undefined };
  const [active, events] = await Promise.all([
    may.readProfiles ? activeOf(space, identifier) : undefined,
    may.readLog ? eventsOf(space, identifier) : undefined,
  ]);
  return { record, active, events };
}

/** What there is a receipt for: the latest deletion of `type:value`, or the end of a job. */
export type ReceiptSubject = { identifier: string } | { job: string };

/** A receipt, or for how many seconds to wait for it, because the log does not have its entry yet. */
export async function receiptOf(
  space: string,
  subject: ReceiptSubject,
  signal: AbortSignal,
): Promise<{ text: string } | { wait: number }> {
  const options = { parseAs: "text", signal } as const;
  const sent: Promise<{ data?: string; response: Response }> =
    "job" in subject
      ? api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/receipt", {
          ...options,
          params: { path: { space_id: space, job_id: subject.job } },
        })
      : api.GET("/v1/spaces/{space_id}/receipts/{identifier}", {
          ...options,
          params: { path: { space_id: space, identifier: subject.identifier } },
        });
  try {
    return { text: await body(sent) };
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== "not_logged_yet") throw problem;
    const { response } = await sent;
    return { wait: Number(response.headers.get("Retry-After")) || 1 };
  }
}
