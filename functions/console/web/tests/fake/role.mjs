import { createHash } from "node:crypto";
import { forbidden } from "./problem.mjs";

/** The permissions of each role, in the API's order. */
export const ROLES = {
  workspace_owner: [
    "delete_identifiers",
    "delete_profiles",
    "read_profiles",
    "read_deletions",
    "read_jobs",
    "read_segments",
    "manage_segments",
    "read_audit_log",
  ],
  identity_admin: ["delete_identifiers", "read_profiles", "read_deletions"],
  unify_engage_admin: ["delete_identifiers", "read_profiles", "read_deletions"],
  privacy_admin: ["delete_profiles", "read_profiles", "read_deletions", "read_jobs", "read_audit_log"],
  administrator: ["read_profiles", "read_segments", "manage_segments"],
  profile_reader: ["read_profiles", "read_deletions", "read_segments"],
  auditor: ["read_deletions", "read_jobs", "read_audit_log"],
};

const WORDS = {
  delete_identifiers: "delete identifiers",
  delete_profiles: "delete profiles",
  read_profiles: "read profiles",
  read_deletions: "read deletions",
  read_jobs: "read jobs",
  read_segments: "read segments",
  manage_segments: "change segments or delete their members",
  read_audit_log: "read the audit log",
};

/** The permission that a job of an action needs. */
export const PERMISSION_OF = {
  delete_profile: "delete_profiles",
  delete_identifier: "delete_identifiers",
  delete_segment: "manage_segments",
};

export const may = (role, permission) => ROLES[role].includes(permission);

export function need(role, permission) {
  if (!may(role, permission)) throw forbidden(WORDS[permission]);
}

/** The id of a token. A role has several: `eff_<role>` and `eff_<role>_2`, so that jobs can be approved. */
export const tokenId = (token) => `tok_${createHash("sha256").update(token).digest("hex").slice(0, 16)}`;
