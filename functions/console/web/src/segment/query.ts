import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../api/client.ts";
import { ONCE } from "../ui/once.ts";
import { usePages } from "../ui/pages.tsx";
import { useWrite } from "../ui/write.ts";
import { hasJobInTheWay, type Segment } from "./words.ts";

const PAGE = 100;
const POLL_MS = 5_000;

export const segmentKey = (id: string) => ["segment", id] as const;

/** The path of a segment, for commands. */
export function segmentPath(id: string): string {
  return `/segments/${encodeURIComponent(id)}`;
}

/** Segments by their ids. The last ones stay while disabled ones are added. */
export function useSegments(isShowingDisabled: boolean, limit = PAGE, isEnabled = true) {
  return usePages(
    ["segments", isShowingDisabled, limit],
    (next, signal) => {
      const query = { show_disabled: isShowingDisabled, limit, next };
      return body(api().GET("/segments", { params: { query }, signal }));
    },
    { placeholderData: keepPreviousData, enabled: isEnabled },
  );
}

/** A segment with its job and notifications, but without its members. It is asked for again while its job is not over. */
export function useSegment(id: string, isEnabled: boolean) {
  return useQuery({
    queryKey: segmentKey(id),
    enabled: isEnabled,
    queryFn: ({ signal }) => readSegment(id, false, signal),
    refetchInterval: ({ state }) => (hasJobInTheWay(state.data) ? POLL_MS : false),
  });
}

/** The same, with its members counted now, which takes the API up to 5 s. They are counted again when they are asked for. */
export function useCount(id: string) {
  return useQuery({
    queryKey: [...segmentKey(id), "count"],
    queryFn: ({ signal }) => readSegment(id, true, signal),
    ...ONCE,
  });
}

async function readSegment(id: string, count: boolean, signal: AbortSignal): Promise<Segment> {
  const params = { path: { segment_id: id }, query: { count } };
  return (await body(api().GET("/segments/{segment_id}", { params, signal }))).segment;
}

/** Enables or disables a segment. */
export function useSwitch(id: string, onDone: () => void) {
  const client = useQueryClient();
  return useWrite(
    (to: "enable" | "disable", key) => {
      const params = { path: { segment_id: id }, header: { "Idempotency-Key": key } };
      return body(api().POST(`/segments/{segment_id}/${to}`, { params }));
    },
    () => {
      void client.invalidateQueries({ queryKey: segmentKey(id), exact: true });
      void client.invalidateQueries({ queryKey: ["segments"] });
      onDone();
    },
  );
}
