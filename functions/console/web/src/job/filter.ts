import type { ApiRequest } from "../ui/shell.ts";
import type { JobFilter } from "./query.ts";

/** The request that lists the jobs of a filter. */
export function requestOf(filter: JobFilter, space: string): ApiRequest {
  const query = String(new URLSearchParams(parametersOf(filter)));
  return {
    method: "GET",
    path: `/v1/spaces/${encodeURIComponent(space)}/deletion_jobs${query === "" ? "" : `?${query}`}`,
  };
}

/** The same as words of `efface`. */
export function commandOf(filter: JobFilter): string[] {
  if (filter.isMine) return ["jobs", "list", "--mine"];
  return ["jobs", "list", ...parametersOf(filter).flatMap(([name, value]) => [`--${name}`, value])];
}

function parametersOf(filter: JobFilter): [string, string][] {
  if (filter.isMine) return [["created_by", "me"]];
  const { state, group } = filter;
  return [
    ...(group === undefined ? [] : [["group", group] satisfies [string, string]]),
    ...(state === undefined ? [] : [["state", state] satisfies [string, string]]),
  ];
}
