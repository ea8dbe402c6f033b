import { answered, api, body, type Schemas, type Sent } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import { identifiersOf } from "../profile/query.ts";
import type { Wait } from "./receipt_wait.ts";
import type { Known } from "./status.ts";

/** Everything that is shown of deletions. */
export const RECORDS = "deletion";

/** What a request finds; or something else where the API has this problem with it. */
function unless<T, Else>(sent: Promise<T>, problem: number | string, otherwise: Else): Promise<T | Else> {
  return sent.catch((error: unknown) => {
    if (isProblem(error, problem)) return otherwise;
    throw error;
  });
}

/** The record of an identifier's deletion; null where it is active, or never was. */
export async function recordOf(identifier: string): Promise<Schemas["DeletionRecord"] | null> {
  const sent = api().GET("/deletions/{identifier}", { params: { path: { identifier } } });
  return (await unless(body(sent), 404, null))?.deletion ?? null;
}

/** The active identifiers of the same type of the profile that an identifier finds; null where it finds none. */
async function activeOf(identifier: string) {
  const type = identifier.slice(0, identifier.indexOf(":"));
  return (await unless(identifiersOf(identifier, "", type), 404, null))?.data ?? null;
}

/** The newest entries of the log about an identifier; undefined where this deployment keeps none. */
async function eventsOf(identifier: string): Promise<Schemas["AuditEvent"][] | undefined> {
  const sent = api().GET("/audit_events", { params: { query: { identifier, limit: 10 } } });
  return (await unless(body(sent as Sent<Schemas["AuditEvents"]>), "journal_off", undefined))?.data;
}

/** All that a session may know of an identifier: its record, else whether it is active, and what the log tells of it. */
export async function knownOf(identifier: string, may: { readProfiles: boolean; readLog: boolean }): Promise<Known> {
  const record = await recordOf(identifier);
  if (record !== null) return { record, active: null, events: undefined };
  const [active, events] = await Promise.all([
    may.readProfiles ? activeOf(identifier) : undefined,
    may.readLog ? eventsOf(identifier) : undefined,
  ]);
  return { record, active, events };
}

/** What there is a receipt for: the latest deletion of `type:value`, or the end of a job. */
export type ReceiptSubject = { identifier: string } | { job: string };

/** The response with a receipt, or for how long to wait for it. */
export function receiptOf(subject: ReceiptSubject, signal: AbortSignal) {
  const options = { parseAs: "text", signal } as const;
  return orWait<string>(
    "job" in subject
      ? api().GET("/deletion_jobs/{job_id}/receipt", { ...options, params: { path: { job_id: subject.job } } })
      : api().GET("/receipts/{identifier}", { ...options, params: { path: subject } }),
  );
}

/** What a request for receipts gets, or for how long to wait, because the log does not have their entries yet. */
export async function orWait<T>(sent: Sent<T>): Promise<{ data: T; response: Response } | Wait> {
  try {
    return await answered(sent);
  } catch (problem) {
    if (!isProblem(problem, "not_logged_yet")) throw problem;
    const { response } = await sent;
    return { wait: Number(response.headers.get("Retry-After")) || 1 };
  }
}
