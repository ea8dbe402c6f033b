import { type Bytes, decodeBase64, decodeBase64Url, textOf } from "./bytes.ts";
import { check } from "./fault.ts";
import { readJson } from "./json.ts";
import { type Note, readNote, readNumber } from "./note.ts";
import type { Hash } from "./tree.ts";

/** The first line of a receipt (c2sp.org/tlog-proof). */
const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_BYTES = 2_000_000;
/** A log has fewer than 2^63 entries. */
const MAX_HASHES = 63;

/** A receipt, taken apart. Whether it holds is not known yet. */
export interface Receipt {
  /** The entry, as the log has hashed it. */
  leaf: string;
  /** What ties the entry to an identifier. */
  nonce: Bytes | null;
  index: bigint;
  /** The hashes beside the way from the entry to the root, the entry's sibling first. */
  proof: Hash[];
  checkpoint: Note;
}

export function readReceipt(bytes: Bytes): Receipt {
  check(bytes.length <= MAX_BYTES, "It is too long for a receipt.");
  const text = textOf(bytes, "It");
  const isChanged = text.includes("\r") || text.startsWith("\ufeff");
  const hint = isChanged ? " A program has changed its line ends or its beginning: ask for it as a file." : "";
  const end = text.indexOf("\n\n");
  const [header, extra, index, ...proof] = (end < 0 ? text : text.slice(0, end)).split("\n");
  check(header === HEADER, `The first line is not ${HEADER}.${hint}`);
  const isWhole = extra?.startsWith("extra ") && index?.startsWith("index ");
  check(isWhole === true && extra !== undefined && index !== undefined, `A line is missing.${hint}`);
  return {
    ...readExtra(decodeBase64(extra.slice("extra ".length), "The extra line")),
    index: readNumber(index.slice("index ".length), "The index"),
    proof: readProof(proof),
    checkpoint: readNote(end < 0 ? "" : text.slice(end + 2)),
  };
}

/** The extra line is signed by nobody, and need not be: another leaf leads to another root, another nonce to another subject. */
function readExtra(bytes: Bytes): Pick<Receipt, "leaf" | "nonce"> {
  const text = textOf(bytes, "The extra line");
  const value = readJson(text, "The extra line");
  const { leaf, nonce, ...rest } = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const isOurs = typeof leaf === "string" && Object.keys(rest).length === 0 && !Array.isArray(value);
  check(isOurs, "The extra line does not hold an entry of Efface's log.");
  const written = JSON.stringify(nonce === undefined ? { leaf } : { leaf, nonce });
  // Half of a surrogate pair is in no text of UTF-8, so the log has hashed none.
  check(written === text && !/\p{Surrogate}/u.test(leaf), "The extra line is not in its one form.");
  return { leaf, nonce: nonce === undefined ? null : decodeBase64Url(nonce, "The nonce") };
}

function readProof(lines: readonly string[]): Hash[] {
  const proof = lines.map((line) => decodeBase64(line, "A line of the proof"));
  const isProof = proof.length <= MAX_HASHES && proof.every((hash) => hash.length === 32);
  check(isProof, "A line of the proof is not a hash.");
  return proof;
}
