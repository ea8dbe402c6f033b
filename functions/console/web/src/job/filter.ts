import type { JobFilter } from "./query.ts";

/** The path that lists the jobs of a filter, for commands. */
export function pathOf(filter: JobFilter): string {
  const query = new URLSearchParams(parametersOf(filter)).toString();
  return `/deletion_jobs${query && `?${query}`}`;
}

/** The same as words of `efface`. */
export function commandOf(filter: JobFilter): string[] {
  if (filter.isMine) return ["jobs", "list", "--mine"];
  return ["jobs", "list", ...Object.entries(parametersOf(filter)).flatMap(([name, value]) => [`--${name}`, value])];
}

function parametersOf({ isMine, ...filter }: JobFilter): Record<string, string> {
  return isMine ? { created_by: "me" } : filter;
}
