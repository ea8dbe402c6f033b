import { type Bytes, decodeBase64, hex, sha256, utf8 } from "./bytes.ts";
import { check } from "./fault.ts";

/** The type of Ed25519 keys in verifier keys. */
const ED25519 = 1;

/** A public key with the name under which it signs (c2sp.org/signed-note). */
export interface VerifierKey {
  /** Of a log: its origin. */
  name: string;
  /** Eight hexadecimal digits, by which its signatures name it. They are no proof of anything. */
  id: string;
  publicKey: Bytes;
  /** The key as it was read. */
  line: string;
}

/** A text that somebody entered as verifier keys, and that is none. */
export class NoKey extends Error {}

/** Reads verifier keys, one a line. Empty lines, and those that begin with `#`, are ignored. */
export function readKeys(text: string): Promise<VerifierKey[]> {
  const lines = text.split("\n").map((line) => line.trim());
  return Promise.all(lines.filter((line) => line !== "" && !line.startsWith("#")).map(readKey));
}

async function readKey(line: string): Promise<VerifierKey> {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) {
    throw new NoKey("This is no verifier key. It has a name, 8 hexadecimal digits and base64, with + between them.");
  }
  const data = keyBytes(encoded);
  if (hex((await sha256(utf8(`${name}\n`), data)).slice(0, 4)) !== id) {
    throw new NoKey("The name, the id and the key do not belong together: one of them was changed. Copy it again.");
  }
  return { name, id, publicKey: data.slice(1), line };
}

/** The type of the key and the key. */
function keyBytes(encoded: string): Bytes {
  try {
    const data = decodeBase64(encoded, "The key");
    if (data.length === 33 && data[0] === ED25519) return data;
  } catch {}
  throw new NoKey("This is not a whole Ed25519 key. Copy it again.");
}

interface Signature {
  name: string;
  id: string;
  bytes: Bytes;
}

/** A text with signatures, of which nothing is known yet. */
export interface Note {
  /** The exact text that is signed, with its last newline. */
  text: string;
  signatures: Signature[];
}

export function readNote(note: string): Note {
  const at = note.lastIndexOf("\n\n");
  check(at >= 0 && note.length > at + 2 && note.endsWith("\n"), "The checkpoint is not a signed note.");
  const lines = note.slice(at + 2, -1).split("\n");
  return { text: note.slice(0, at + 1), signatures: lines.map(readSignature) };
}

function readSignature(line: string): Signature {
  const [dash, name, encoded, ...rest] = line.split(" ");
  const isWhole = dash === "—" && name !== undefined && encoded !== undefined && rest.length === 0;
  check(isWhole, "A signature line of the checkpoint is malformed.");
  const bytes = decodeBase64(encoded, "A signature of the checkpoint");
  return { name, id: hex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
}

/** A log's size and root at one time, as its checkpoint says it. */
export interface Checkpoint {
  origin: string;
  size: bigint;
  root: Bytes;
}

export function readCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const isEnded = lines.pop() === "";
  const [origin, size, root] = lines;
  const isWhole = isEnded && origin !== undefined && size !== undefined && root !== undefined;
  check(isWhole, "The checkpoint has no origin, size and root.");
  const hash = decodeBase64(root, "The checkpoint's root");
  check(hash.length === 32 && lines.every((line) => line !== ""), "The checkpoint is malformed.");
  return { origin, size: readNumber(size, "The checkpoint's size"), root: hash };
}

export function readNumber(text: string, what: string): bigint {
  check(/^(0|[1-9][0-9]{0,18})$/.test(text), `${what} is not a number.`);
  return BigInt(text);
}

/** The keys that are the log's. Its name is their name: a key that signs for several logs would let one pass for another. */
export function keysOf(origin: string, keys: readonly VerifierKey[]): VerifierKey[] {
  const own = keys.filter(({ name }) => name === origin);
  check(own.length > 0, `The checkpoint is of the log ${origin}, of which no key was given.`);
  return own;
}

/**
 * The key that has signed a note: one of these must have, and all of these that have must have validly. Signatures by
 * others, such as witnesses, are ignored.
 */
export async function checkSignature({ text, signatures }: Note, keys: readonly VerifierKey[]): Promise<VerifierKey> {
  let signer: VerifierKey | undefined;
  for (const { name, id, bytes } of signatures) {
    const key = keys.find((key) => key.name === name && key.id === id);
    if (key === undefined) continue;
    const isValid = bytes.length === 64 && (await isSigned(key.publicKey, bytes, utf8(text)));
    check(isValid, "The signature is not valid for the checkpoint.");
    signer ??= key;
  }
  const wanted = keys.map(({ name, id }) => `${name} ${id}`).join(" or ");
  check(signer !== undefined, `The checkpoint is not signed by ${wanted}.`);
  return signer;
}

async function isSigned(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "NotSupportedError") throw new NoEd25519();
    return false;
  }
}

/** This browser is too old. That says nothing about what was to be checked. */
export class NoEd25519 extends Error {
  constructor() {
    super("This browser cannot check Ed25519 signatures. Use a newer one, or the command efface receipt verify.");
  }
}

/** What a signed checkpoint says, and the key that has signed it. */
export async function openCheckpoint(text: string, keys: readonly VerifierKey[]) {
  const note = readNote(text);
  const checkpoint = readCheckpoint(note.text);
  const key = await checkSignature(note, keysOf(checkpoint.origin, keys));
  return { ...checkpoint, key };
}
