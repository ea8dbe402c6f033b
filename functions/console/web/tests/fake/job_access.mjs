import { notFound } from "./problem.mjs";
import { may, need, PERMISSION_OF } from "./role.mjs";

/** The job of a path, if the caller may see it. */
export function jobOf({ space, role, tokenId }, id) {
  const job = space.jobs.get(id);
  if (job !== undefined && job.created_by !== tokenId && !may(role, PERMISSION_OF[job.action])) {
    need(role, "read_jobs");
  }
  if (job === undefined) {
    if (!may(role, "read_jobs") && !mayCreate(role)) need(role, "read_jobs");
    throw notFound("Job");
  }
  return job;
}

/** Whether a role may create jobs of any action. */
export const mayCreate = (role) => Object.values(PERMISSION_OF).some((permission) => may(role, permission));
