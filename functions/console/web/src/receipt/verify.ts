import { type Bytes, concat, decodeBase64Url, isEqual, sha256, utf8 } from "./bytes.ts";
import { check } from "./fault.ts";
import { readJson } from "./json.ts";
import { checkSignature, keysOf, type Note, readCheckpoint, type VerifierKey } from "./note.ts";
import { readReceipt } from "./receipt.ts";
import { checkInclusion, leafHash } from "./tree.ts";

/** An identifier as a person writes it. */
export interface Identifier {
  type: string;
  value: string;
}

/** The members of an entry of the log. Later versions add some. */
export type Entry = Readonly<Record<string, unknown>>;

/** What a receipt proves. */
export interface Proved {
  entry: Entry;
  index: bigint;
  /** How many entries the log had when its head was signed. */
  size: bigint;
  origin: string;
  key: VerifierKey;
  /** What ties the entry to an identifier. Nothing vouches for it before an identifier was checked. */
  nonce: Bytes | null;
  /** The identifier that the entry was shown to be about. Null where none was asked about. */
  identifier: Identifier | null;
}

/**
 * Checks receipts as docs/verify_receipt.py does, and with nothing but the keys: no request is made, and no key is taken
 * from a receipt. Receipts of one list have one checkpoint, whose signature is checked once.
 */
export class Verifier {
  readonly #keys: readonly VerifierKey[];
  #last: { note: string; signer: Promise<VerifierKey> } | null = null;

  constructor(keys: readonly VerifierKey[]) {
    this.#keys = keys;
  }

  /** What a receipt proves. Throws {@link DoesNotHold} with the first thing that is wrong with it. */
  async verify(bytes: Bytes, identifier: Identifier | null): Promise<Proved> {
    const { leaf, nonce, index, proof, checkpoint } = readReceipt(bytes);
    const { origin, size, root } = readCheckpoint(checkpoint.text);
    const keys = keysOf(origin, this.#keys);
    await checkInclusion(await leafHash(utf8(leaf)), index, size, proof, root);
    const key = await this.#signer(checkpoint, keys);
    const entry = readEntry(leaf);
    if (identifier !== null) await checkIdentifier(entry, nonce, identifier);
    return { entry, index, size, origin, key, nonce, identifier };
  }

  #signer(note: Note, keys: readonly VerifierKey[]): Promise<VerifierKey> {
    const name = JSON.stringify([note.text, note.signatures.map(({ name, id, bytes }) => [name, id, [...bytes]])]);
    if (this.#last?.note !== name) this.#last = { note: name, signer: checkSignature(note, keys) };
    return this.#last.signer;
  }
}

/** An entry of the log, whose form must be the one that is known. */
export function readEntry(leaf: string): Entry {
  const entry = readJson(leaf, "The entry");
  const { v, event, id_type } = (entry ?? {}) as Entry;
  const isKnown = v === 1 && typeof event === "string" && typeof (id_type ?? "") === "string";
  check(isKnown, "The entry has a form that is not known.");
  return entry as Entry;
}

/** Checks that an entry's subject is the commitment to an identifier: SHA-256 of nonce, type, a zero byte and value. */
export async function checkIdentifier(entry: Entry, nonce: Bytes | null, { type, value }: Identifier): Promise<void> {
  const { subject, subject_kind = "commitment", id_type, normalisation } = entry;
  check(subject !== undefined && subject_kind !== "profile", "The entry is not about an identifier.");
  check(id_type === type, `The entry is about an identifier of type ${id_type}.`);
  const isCommitment = subject_kind === "commitment";
  check(isCommitment, "The entry is from before commitments: only the operator can tie it to a value.");
  const isRule = normalisation === "none" || normalisation === "lowercase";
  check(isRule, "The entry has no rule by which values are normalised.");
  check(nonce !== null, "The receipt has no nonce, which would tie the entry to a value.");
  const normalised = normalisation === "lowercase" ? value.toLowerCase() : value;
  const made = await sha256(concat(nonce, utf8(type), Uint8Array.of(0), utf8(normalised)));
  const found = decodeBase64Url(subject, "The subject");
  check(isEqual(found, made), "The entry is about another identifier.");
}
