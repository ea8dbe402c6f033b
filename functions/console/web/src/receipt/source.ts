import { type Bytes, utf8 } from "./bytes.ts";
import { check, DoesNotHold } from "./fault.ts";
import { readJson } from "./json.ts";
import { checkIdentifier, type Identifier, type Proved, type Verifier } from "./verify.ts";

/** A receipt, or a list of receipts, from wherever it came. */
export interface Source {
  name: string;
  blob: Blob;
}

/** What was found out about a source. */
export type Checked = { source: string } & (
  | { kind: "holds"; proved: Proved }
  | { kind: "fault"; fault: string }
  | { kind: "list"; list: CheckedList }
);

/** A line of a list that does not hold. */
interface BadLine {
  line: number;
  /** The row of the job, where the line says it. */
  row: string | null;
  fault: string;
}

/** A list of the receipts of a job, counted. */
export interface CheckedList {
  lines: number;
  holding: number;
  /** The entries that the lines that hold prove. A line that proves an entry once more proves nothing more. */
  entries: Set<bigint>;
  /** The jobs that the entries name. */
  jobs: Set<unknown>;
  /** The first that does hold. */
  first: Proved | null;
  /** The first lines that do not. */
  bad: BadLine[];
  /** How many entries there are, by what they say happened. */
  events: Map<string, number>;
  /** The indexes of the entries about the identifier that was asked about; null where none was. */
  about: bigint[] | null;
  isStopped: boolean;
}

/** How far a check is, in bytes. */
export type OnProgress = (done: number) => void;

const SHOWN = 20;
/** A receipt has at most 2 MB, and is a text within JSON here. */
const MAX_LINE = 4_000_000;

/** Checks a source. A list is read line by line, so that its length does not matter. */
export async function checkSource(
  { name, blob }: Source,
  verifier: Verifier,
  identifier: Identifier | null,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<Checked> {
  const source = name;
  try {
    if ((await blob.slice(0, 1).text()) === "{") {
      return { source, kind: "list", list: await checkList({ name, blob }, verifier, identifier, onProgress, signal) };
    }
    // More than a receipt may have need not be read: that it is too long is said all the same.
    const bytes = new Uint8Array(await blob.slice(0, MAX_LINE).arrayBuffer());
    return { source, kind: "holds", proved: await verifier.verify(bytes, identifier) };
  } catch (fault) {
    if (fault instanceof DoesNotHold) return { source, kind: "fault", fault: fault.message };
    throw fault;
  }
}

async function checkList(
  { name, blob }: Source,
  verifier: Verifier,
  identifier: Identifier | null,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<CheckedList> {
  const list: CheckedList = {
    lines: 0,
    holding: 0,
    entries: new Set(),
    jobs: new Set(),
    first: null,
    bad: [],
    events: new Map(),
    about: identifier && [],
    isStopped: false,
  };
  const job = /job_\w+(-\w+)*/.exec(name)?.[0];
  for await (const { line, end } of linesOf(blob)) {
    if (signal?.aborted) return { ...list, isStopped: true };
    list.lines += 1;
    await checkLine(line, list, verifier, identifier, job);
    onProgress(end);
  }
  return list;
}

async function checkLine(
  line: string,
  list: CheckedList,
  verifier: Verifier,
  identifier: Identifier | null,
  job: string | undefined,
) {
  let row: string | null = null;
  try {
    const told = readJson(line, "The line") as Record<string, unknown> | null;
    row = rowOf(told);
    check(typeof told?.receipt === "string", "The line has no receipt.");
    const proved = await verifier.verify(utf8(told.receipt), null);
    const { entry, index, origin } = proved;
    check(told.index === Number(index), `The line says another entry than its receipt, which is for entry ${index}.`);
    check(told.id_type === entry.id_type, "The line says another type than its receipt.");
    check(job === undefined || entry.job_id === job, "The entry is not of the job that the list is named after.");
    list.first ??= proved;
    check(origin === list.first.origin, "The entry is of another log than that of the first line.");
    list.holding += 1;
    if (list.entries.has(index)) return;
    list.entries.add(index);
    list.jobs.add(entry.job_id);
    const event = String(entry.event);
    list.events.set(event, (list.events.get(event) ?? 0) + 1);
    if (identifier !== null && (await isAbout(proved, identifier))) list.about?.push(index);
  } catch (fault) {
    if (!(fault instanceof DoesNotHold)) throw fault;
    if (list.bad.length < SHOWN) list.bad.push({ line: list.lines, row, fault: fault.message });
  }
}

/** Where a line says that its row is. It may say anything: nothing was checked yet. */
function rowOf(told: Record<string, unknown> | null): string | null {
  if (typeof told?.row !== "number") return null;
  return typeof told.page === "number" && told.page > 0 ? `page ${told.page}, row ${told.row}` : `row ${told.row}`;
}

async function isAbout({ entry, nonce }: Proved, identifier: Identifier): Promise<boolean> {
  try {
    await checkIdentifier(entry, nonce, identifier);
    return true;
  } catch (fault) {
    if (fault instanceof DoesNotHold) return false;
    throw fault;
  }
}

/** The lines of a text, and where in its bytes about each of them ends. */
async function* linesOf(blob: Blob): AsyncGenerator<{ line: string; end: number }> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const reader: ReadableStreamDefaultReader<Bytes> = blob.stream().getReader();
  let [rest, end] = ["", 0];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      end += value?.length ?? 0;
      const lines = (rest + decode(decoder, value)).split("\n");
      rest = lines.pop() ?? "";
      check(rest.length <= MAX_LINE, "A line is too long for a receipt.");
      for (const line of done && rest !== "" ? [...lines, rest] : lines) yield { line, end };
      if (done) return;
    }
  } finally {
    void reader.cancel();
  }
}

function decode(decoder: TextDecoder, bytes: Bytes | undefined): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch {
    throw new DoesNotHold("It is not a text.");
  }
}
