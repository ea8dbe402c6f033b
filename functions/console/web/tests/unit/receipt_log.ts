import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { type Bytes, concat, utf8 } from "../../src/receipt/bytes.ts";
import { leafHash, nodeHash } from "../../src/receipt/tree.ts";

/** What stands before the seed of an Ed25519 key in PKCS #8. */
const PKCS8 = "302e020100300506032b657004220420";

/** A key pair for notes, always the same of the same seed. */
export class SigningKey {
  readonly name: string;
  readonly raw: Buffer;
  readonly id: Buffer;
  readonly #key: KeyObject;

  constructor(name: string, seed: number) {
    this.name = name;
    const der = Buffer.concat([Buffer.from(PKCS8, "hex"), Buffer.alloc(32, seed)]);
    this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.raw = Buffer.concat([Buffer.of(1), spki.subarray(-32)]);
    this.id = createHash("sha256").update(`${name}\n`).update(this.raw).digest().subarray(0, 4);
  }

  /** Its verifier key. */
  get line(): string {
    return `${this.name}+${this.id.toString("hex")}+${this.raw.toString("base64")}`;
  }

  /** A line of a note that signs a text. */
  sign(text: string): string {
    const signature = Buffer.concat([this.id, sign(null, Buffer.from(text), this.#key)]);
    return `— ${this.name} ${signature.toString("base64")}\n`;
  }
}

export const ORIGIN = "log.example.com/0b7c/spa_demo";
export const KEY = new SigningKey(ORIGIN, 1);
export const NONCE = Buffer.alloc(32, 7);

export function leafOf(members: object): string {
  return JSON.stringify({ v: 1, time: "2026-11-22T09:30:00.123Z", space: "spa_demo", ...members });
}

/** The entry of the deletion of `email:ada@example.com`. */
export const REMOVED = leafOf({
  event: "identifier.removed",
  id_type: "email",
  subject: createHash("sha256").update(NONCE).update("email\0ada@example.com").digest("base64url"),
  normalisation: "lowercase",
  generation: 2,
  token_id: "tok_1",
  reason: "request",
});

export function checkpointText(size: number, root: Bytes): string {
  return `${ORIGIN}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
}

/** A receipt for a leaf, which is entry 2 of 5. */
export async function receiptOf(leaf: string, { nonce = NONCE as Buffer | null, key = KEY, extra = "" } = {}) {
  const [a, b, c, d, e] = await Promise.all(["a", "b", leaf, "d", "e"].map((entry) => leafHash(utf8(entry))));
  if (!a || !b || !c || !d || !e) throw new Error();
  const left = await nodeHash(a, b);
  const root = await nodeHash(await nodeHash(left, await nodeHash(c, d)), e);
  const text = checkpointText(5, root);
  const members = extra || JSON.stringify({ leaf, ...(nonce && { nonce: nonce.toString("base64url") }) });
  const proof = [d, left, e].map((hash) => `${Buffer.from(hash).toString("base64")}\n`).join("");
  const head = `c2sp.org/tlog-proof@v1\nextra ${Buffer.from(members).toString("base64")}\nindex 2\n`;
  return `${head}${proof}\n${text}\n${key.sign(text)}`;
}

/** The bundle of some entries. */
export function bundleOf(entries: readonly string[]): Bytes {
  return concat(
    ...entries.map((entry) => {
      const bytes = utf8(entry);
      return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes);
    }),
  );
}
