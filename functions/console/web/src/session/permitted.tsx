import type { ReactNode } from "react";
import { Forbidden } from "../ui/loaded.tsx";
import { type Permission, useReason } from "./permission.ts";

interface PermittedProps {
  permission: Permission;
  /** What it is, in words: "the audit log". */
  what: string;
  children: ReactNode;
}

/** What the session may see; else that it may not, and why. */
export function Permitted({ permission, what, children }: PermittedProps) {
  const reason = useReason(permission);
  return reason === null ? children : <Forbidden what={what} reason={reason} />;
}
