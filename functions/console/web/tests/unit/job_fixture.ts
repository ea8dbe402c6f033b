import type { Schemas } from "../../src/api/client.ts";

const AT = "2026-11-22T09:30:00.000Z" as Schemas["Time"];

/** A running job of profiles, with what a test says of it. */
export function job(more: Partial<Schemas["Job"]> = {}): Schemas["Job"] {
  return {
    id: "job_1",
    action: "delete_profile",
    state: "running",
    rows: 1_000_000,
    counts: { deleted: 398_114, not_found: 14_196 },
    remaining: 587_690,
    running_chunks: 0,
    stopped: false,
    approvals: [],
    created_at: AT,
    created_by: "tok_1",
    dry_run: false,
    ...more,
  };
}
