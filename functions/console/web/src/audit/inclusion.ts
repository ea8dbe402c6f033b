import type { Schemas } from "../api/client.ts";
import { type Bytes, textOf } from "../receipt/bytes.ts";
import { check, DoesNotHold } from "../receipt/fault.ts";
import type { Checkpoint, VerifierKey } from "../receipt/note.ts";
import { checkInclusion, leafHash, Tiles, tileName, tilesOf, tileWith, WIDTH } from "../receipt/tree.ts";
import { type Entry, readEntry } from "../receipt/verify.ts";

type AuditEvent = Schemas["AuditEvent"];

/** The signed head of a log. */
export interface Head extends Checkpoint {
  key: VerifierKey;
  /** Whether the user has pinned the key that signed it; else only the API says that it is the log's. */
  isPinned: boolean;
}

/** Whether an entry that is shown is in the log, as it is shown. */
export type Mark = { kind: "in_log" | "unpublished" | "late" } | { kind: "bad"; fault: string };

/** After so long an entry should have been published. */
const LATE_MS = 600_000;

/** The mark of an entry that the log does not have yet. One that somebody made up would be awaited for ever. */
export function unpublished({ time }: AuditEvent, now: Date): Mark {
  return { kind: now.getTime() - Date.parse(time) < LATE_MS ? "unpublished" : "late" };
}

/**
 * The pinned keys of a log. Where a key of this space's log was pinned, the log must be that one: an API that shows another
 * log would else be believed by a key of its own.
 */
export function pinnedOf(keys: readonly VerifierKey[], origin: string, space: string): VerifierKey[] {
  const own = keys.filter(({ name }) => name === origin);
  const other = keys.find(({ name }) => spaceOf(name) === space);
  const isPinned = own.length > 0 || other === undefined;
  check(isPinned, `The log is ${origin}, but the key that you have pinned is of ${other?.name}.`);
  return own;
}

/** The name of a log ends with its space. */
function spaceOf(origin: string): string | undefined {
  return origin.split("/").at(-1);
}

/** Checks that a head is that of a space's log. */
export function checkHead(head: Head, space: string): Head {
  check(spaceOf(head.origin) === space, `The log ${head.origin} is not that of ${space}.`);
  return head;
}

/**
 * Checks that entries are in the log, and that they say there what is shown: each entry is taken from its bundle, and the
 * hashes of the tiles must lead from it to the signed root. Returns a mark for each.
 */
export async function checkEntries(
  events: readonly AuditEvent[],
  head: Head,
  space: string,
  read: (name: string) => Promise<Bytes>,
  now: Date,
): Promise<Mark[]> {
  const files = new Map<string, Bytes>();
  const tiles = new Tiles(files);
  const need = async (names: Iterable<string>) => {
    const missing = [...names].filter((name) => !files.has(name));
    const contents = await Promise.all(missing.map(read));
    missing.forEach((name, at) => {
      const content = contents[at];
      if (content !== undefined) files.set(name, content);
    });
  };
  const marks: Mark[] = [];
  for (const event of events) {
    const index = BigInt(event.index);
    if (index >= head.size) {
      marks.push(unpublished(event, now));
      continue;
    }
    const bundle = tileWith("entries", index, head.size);
    await need([tileName(bundle), ...tilesOf(index, head.size)]);
    try {
      const leaf = entriesOf(files.get(tileName(bundle)), bundle.width)[Number(index % WIDTH)];
      check(leaf !== undefined, "The bundle of the entry has fewer entries than its name says.");
      await checkInclusion(await leafHash(leaf), index, head.size, await tiles.proof(index, head.size), head.root);
      checkShown(event, readEntry(textOf(leaf, "The entry")), space);
      marks.push({ kind: "in_log" });
    } catch (fault) {
      if (!(fault instanceof DoesNotHold)) throw fault;
      marks.push({ kind: "bad", fault: fault.message });
    }
  }
  return marks;
}

/** The entries of a bundle, each of which stands after its length in two bytes. */
export function entriesOf(bundle: Bytes | undefined, width: number): Bytes[] {
  const entries: Bytes[] = [];
  let rest = bundle ?? new Uint8Array();
  while (rest.length > 0) {
    const length = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
    check(rest.length >= 2 + length, "A bundle of entries ends within an entry.");
    entries.push(rest.subarray(2, 2 + length));
    rest = rest.subarray(2 + length);
  }
  check(entries.length === width, "A bundle has another number of entries than its name says.");
  return entries;
}

const SHOWN = [
  "time",
  "event",
  "id_type",
  "subject",
  "token_id",
  "request_id",
  "job_id",
  "segment_id",
  "reason",
] as const;

/** Checks that what the search says of an entry is what the log has. */
function checkShown(event: AuditEvent, entry: Entry, space: string): void {
  check(entry.space === space, "The entry in the log is of another space.");
  for (const name of SHOWN) {
    const isSame = (event[name] ?? null) === (entry[name] ?? null);
    check(isSame, `The entry in the log says something else: its ${name} is not the one that is shown.`);
  }
  const isCounted = sorted(event.counts) === sorted(entry.counts);
  check(isCounted, "The entry in the log says something else: its counts are not those that are shown.");
}

function sorted(counts: unknown): string {
  return JSON.stringify(Object.entries(counts ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)));
}
