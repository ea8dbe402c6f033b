import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { useSession } from "../session/session.ts";
import { nextOf } from "../ui/more.tsx";
import { useWrite } from "../ui/write.ts";
import { hasJobInTheWay, type Segment } from "./words.ts";

const PAGE = 100;
const POLL_MS = 5_000;

const segmentKey = (space: string, id: string) => ["segment", space, id] as const;
const pathOf = (space: string, id: string) => ({ space_id: space, segment_id: id });

/** The path of a segment, for commands. */
export function segmentPath(space: string, id: string): string {
  return fillPath("/v1/spaces/{space_id}/segments/{segment_id}", pathOf(space, id));
}

/** Segments by their ids. The last ones stay while disabled ones are added. */
export function useSegments(isShowingDisabled: boolean, limit = PAGE, isEnabled = true) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: ["segments", space, isShowingDisabled, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = { show_disabled: isShowingDisabled, limit, ...(pageParam && { next: pageParam }) };
      return body(api.GET("/v1/spaces/{space_id}/segments", { params: { path: { space_id: space }, query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: nextOf,
    placeholderData: keepPreviousData,
    enabled: isEnabled,
  });
}

/** A segment with its job and notifications, but without its members. It is asked for again while its job is not over. */
export function useSegment(id: string) {
  const { space } = useSession();
  return useQuery({
    queryKey: segmentKey(space, id),
    queryFn: ({ signal }) => readSegment(space, id, false, signal),
    refetchInterval: ({ state }) => (hasJobInTheWay(state.data) ? POLL_MS : false),
  });
}

/** The same, with its members counted now, which takes the API up to 5 s. They are counted again when they are asked for. */
export function useCount(id: string) {
  const { space } = useSession();
  return useQuery({
    queryKey: [...segmentKey(space, id), "count"],
    queryFn: ({ signal }) => readSegment(space, id, true, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

async function readSegment(space: string, id: string, count: boolean, signal: AbortSignal): Promise<Segment> {
  const params = { path: pathOf(space, id), query: { count } };
  return (await body(api.GET("/v1/spaces/{space_id}/segments/{segment_id}", { params, signal }))).segment;
}

/** Enables or disables a segment. */
export function useSwitch(id: string, onDone: () => void) {
  const { space } = useSession();
  const client = useQueryClient();
  return useWrite(
    (to: "enable" | "disable", key) =>
      body(
        api.POST(`/v1/spaces/{space_id}/segments/{segment_id}/${to}`, {
          params: { path: pathOf(space, id), header: { "Idempotency-Key": key } },
        }),
      ),
    () => {
      void client.invalidateQueries({ queryKey: segmentKey(space, id), exact: true });
      void client.invalidateQueries({ queryKey: ["segments"] });
      onDone();
    },
  );
}
