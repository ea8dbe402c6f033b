import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Bytes } from "../receipt/bytes.ts";
import { openCheckpoint, readKeys } from "../receipt/note.ts";
import { usePinnedKeys } from "../receipt/pinned_keys.ts";
import { useSession } from "../session/session.ts";
import { checkHead, type Head } from "./inclusion.ts";

/** A head that was read so long ago is read again. */
const HEAD_MS = 5_000;
/** Tiles never change. They are kept for so long after they were used last. */
const TILE_KEPT_MS = 10 * 60_000;

/** The published files of a space's log, and its head as a key has signed it. */
export interface LogFiles {
  /** Null where nothing was published yet. */
  head: () => Promise<Head | null>;
  tile: (name: string) => Promise<Bytes>;
}

/** The log of the session's space. Its head must be signed by a pinned key; where none is of this log, by one of the API's. */
export function useLogFiles(): LogFiles & { pinned: readonly string[] } {
  const client = useQueryClient();
  const { space } = useSession();
  const pinned = usePinnedKeys();
  return { pinned, head: () => headOf(client, space, pinned), tile: (name) => tileOf(client, space, name) };
}

async function headOf(client: QueryClient, space: string, pinned: readonly string[]): Promise<Head | null> {
  const read = client.fetchQuery({
    queryKey: ["log_head", space, pinned],
    queryFn: ({ signal }) => readHead(space, pinned, signal),
    staleTime: HEAD_MS,
  });
  return read.catch((problem: unknown) => {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  });
}

async function readHead(space: string, pinned: readonly string[], signal: AbortSignal): Promise<Head> {
  const params = { path: { space_id: space } };
  const note: string = await body(api.GET("/v1/spaces/{space_id}/log/checkpoint", { params, parseAs: "text", signal }));
  const origin = note.split("\n", 1)[0] ?? "";
  const own = (await readKeys(pinned.join("\n"))).filter(({ name }) => name === origin);
  const isPinned = own.length > 0;
  const keys = isPinned ? own : await apiKeys(space, signal);
  return checkHead({ ...(await openCheckpoint(note, keys)), isPinned }, space);
}

async function apiKeys(space: string, signal: AbortSignal) {
  const sent = api.GET("/v1/spaces/{space_id}/log/key", { params: { path: { space_id: space } }, signal });
  return readKeys((await body(sent)).keys.map(({ key }) => key).join("\n"));
}

function tileOf(client: QueryClient, space: string, name: string): Promise<Bytes> {
  return client.fetchQuery({
    queryKey: ["log_tile", space, name],
    queryFn: async ({ signal }) => {
      const sent = api.GET("/v1/spaces/{space_id}/log/tile/{tile}", {
        params: { path: { space_id: space, tile: name } },
        parseAs: "arrayBuffer",
        signal,
      });
      return new Uint8Array((await body(sent)) as unknown as ArrayBuffer);
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: TILE_KEPT_MS,
  });
}
