import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import type { Bytes } from "../receipt/bytes.ts";
import { openCheckpoint, readKeys } from "../receipt/note.ts";
import { usePinnedKeys } from "../receipt/pinned_keys.ts";
import { logKeys } from "../receipt/query.ts";
import { useSession } from "../session/session.ts";
import { checkHead, type Head, pinnedOf } from "./inclusion.ts";

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
  return { pinned, head: () => headOf(client, space, pinned), tile: (name) => tileOf(client, name) };
}

async function headOf(client: QueryClient, space: string, pinned: readonly string[]): Promise<Head | null> {
  const read = client.fetchQuery({
    queryKey: ["log_head", pinned],
    queryFn: ({ signal }) => readHead(space, pinned, signal),
    staleTime: HEAD_MS,
  });
  return read.catch((problem: unknown) => {
    if (isProblem(problem, 404)) return null;
    throw problem;
  });
}

async function readHead(space: string, pinned: readonly string[], signal: AbortSignal): Promise<Head> {
  const note: string = await body(api().GET("/log/checkpoint", { parseAs: "text", signal }));
  const origin = note.split("\n", 1)[0] ?? "";
  const own = pinnedOf(await readKeys(pinned.join("\n")), origin, space);
  const isPinned = own.length > 0;
  const keys = isPinned ? own : await readKeys((await logKeys(signal)).map(({ key }) => key).join("\n"));
  return checkHead({ ...(await openCheckpoint(note, keys)), isPinned }, space);
}

function tileOf(client: QueryClient, name: string): Promise<Bytes> {
  return client.fetchQuery({
    queryKey: ["log_tile", name],
    queryFn: async ({ signal }) => {
      const params = { path: { tile: name } };
      const sent = api().GET("/log/tile/{tile}", { params, parseAs: "arrayBuffer", signal });
      return new Uint8Array((await body(sent)) as unknown as ArrayBuffer);
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: TILE_KEPT_MS,
  });
}
