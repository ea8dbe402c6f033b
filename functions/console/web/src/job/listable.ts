import { reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";

/** Which jobs the session may list: all, its own, or none; and why not all. */
export function useListable(): { jobs: "all" | "own" | "none"; why: string } {
  const { role, permissions } = useSession().details.token;
  const why = reason(role, "read_jobs");
  if (permissions.includes("read_jobs")) return { jobs: "all", why };
  const makes = ["delete_profiles", "delete_identifiers", "manage_segments"] as const;
  return { jobs: makes.some((permission) => permissions.includes(permission)) ? "own" : "none", why };
}
