import type { Schemas } from "../api/client.ts";
import { useSession } from "./session.ts";

export type Permission = Schemas["Permission"];

/** What a permission is for, after "may" or "may not". */
export const PERMISSIONS: Readonly<Record<Permission, string>> = {
  delete_identifiers: "delete identifiers",
  delete_profiles: "delete profiles",
  read_profiles: "read profiles",
  read_deletions: "read the records of deletions",
  read_jobs: "read the jobs of others",
  read_segments: "read segments or their members",
  manage_segments: "change segments or delete their users",
  read_audit_log: "read the audit log or get receipts",
};

/** The roles that have a permission: they mirror `functions/core/src/role.rs`, and tests compare them. */
const ROLES: Record<Permission, readonly Schemas["Role"][]> = {
  delete_identifiers: ["workspace_owner", "identity_admin", "unify_engage_admin"],
  delete_profiles: ["workspace_owner", "privacy_admin"],
  read_profiles: [
    "workspace_owner",
    "identity_admin",
    "unify_engage_admin",
    "privacy_admin",
    "administrator",
    "profile_reader",
  ],
  read_deletions: [
    "workspace_owner",
    "identity_admin",
    "unify_engage_admin",
    "privacy_admin",
    "profile_reader",
    "auditor",
  ],
  read_jobs: ["workspace_owner", "privacy_admin", "auditor"],
  read_segments: ["workspace_owner", "administrator", "profile_reader"],
  manage_segments: ["workspace_owner", "administrator"],
  read_audit_log: ["workspace_owner", "privacy_admin", "auditor"],
};

/** Why the session's role may not do something; null where it may. */
export type Reason = string | null;

/** Whether the session may do something, as the API says: it decides, this only shows. */
export function useReason(permission: Permission): Reason {
  const { token } = useSession().details;
  return token.permissions.includes(permission) ? null : reason(token.role, permission);
}

/** Why nothing can be deleted in a space that is not activated. */
export const SWITCHED_OFF = "Deletions are switched off in this space.";

/** Why the session cannot delete something now: its role, or the space. */
export function useDeletionReason(permission: Permission): Reason {
  const { activated } = useSession().details.space;
  return useReason(permission) ?? (activated ? null : SWITCHED_OFF);
}

export function reason(role: Schemas["Role"], permission: Permission): string {
  return `The role ${role} may not ${PERMISSIONS[permission]}. Roles that may: ${ROLES[permission].join(", ")}.`;
}

/** The roles that have a permission. */
export function rolesWith(permission: Permission): readonly Schemas["Role"][] {
  return ROLES[permission];
}
