import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { LogTree } from "./log_tree.mjs";

/** How long an entry is on its way to the published log. */
export const PUBLISH_MS = 2_000;

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const RAW_KEY = Buffer.concat([Buffer.from([1]), publicKey.export({ type: "spki", format: "der" }).subarray(-32)]);

/** The members of an entry that the log has, in their order. */
const MEMBERS = [
  "v",
  "time",
  "space",
  "event",
  "id_type",
  "subject",
  "normalisation",
  "subject_kind",
  "generation",
  "version",
  "token_id",
  "request_id",
  "job_id",
  "reason",
  "segment_id",
  "counts",
  "digest",
];

/** The signed log of a space: a real one, with a key of this run. */
export class Log {
  #tree = new LogTree();

  constructor(space) {
    this.space = space;
    this.origin = `efface.example/fake/${space}`;
    this.entries = [];
  }

  /** Appends what happened. `of` ties it to an identifier: its map's key and the nonce of its commitment. */
  append(facts, at, of = {}) {
    const full = { v: 1, time: new Date(at).toISOString(), space: this.space, ...facts };
    const known = MEMBERS.filter((name) => full[name] !== undefined && full[name] !== null);
    if (full.counts) full.counts = Object.fromEntries(Object.entries(full.counts).sort());
    const leaf = JSON.stringify(Object.fromEntries(known.map((name) => [name, full[name]])));
    const entry = { index: this.entries.length, at, leaf, facts: full, ...of };
    this.entries.push(entry);
    this.#tree.append(Buffer.from(leaf));
    return entry;
  }

  /** Puts the entries of a seed in the order of their times. */
  sort() {
    this.entries.sort((a, b) => a.at - b.at);
    this.#tree = new LogTree();
    for (const [index, entry] of this.entries.entries()) {
      entry.index = index;
      this.#tree.append(Buffer.from(entry.leaf));
    }
  }

  /** How many entries are published. They are in the order in which they were appended. */
  size(now = Date.now()) {
    let size = this.entries.length;
    while (size > 0 && now - this.entries[size - 1].at < PUBLISH_MS) size -= 1;
    return size;
  }

  root(size) {
    return this.#tree.root(size);
  }

  get keyId() {
    return createHash("sha256").update(`${this.origin}\n`).update(RAW_KEY).digest().subarray(0, 4);
  }

  /** The verifier key. */
  get key() {
    return `${this.origin}+${this.keyId.toString("hex")}+${RAW_KEY.toString("base64")}`;
  }

  /** The signed head, a note. */
  checkpoint(size) {
    const text = `${this.origin}\n${size}\n${this.root(size).toString("base64")}\n`;
    const signature = Buffer.concat([this.keyId, sign(null, Buffer.from(text), privateKey)]).toString("base64");
    return `${text}\n\u2014 ${this.origin} ${signature}\n`;
  }

  /** The receipt of an entry, of the form tlog-proof. */
  receipt({ index, leaf, nonce }, size) {
    const extra = JSON.stringify({ leaf, ...(nonce ? { nonce: nonce.toString("base64url") } : {}) });
    const proof = this.#tree.proof(index, 0, size).map((hash) => `${hash.toString("base64")}\n`);
    const head = `c2sp.org/tlog-proof@v1\nextra ${Buffer.from(extra).toString("base64")}\nindex ${index}\n`;
    return `${head}${proof.join("")}\n${this.checkpoint(size)}`;
  }

  tile(level, number, width) {
    return this.#tree.tile(level, number, width);
  }

  /** Up to 256 entries, each with its length in two bytes. */
  bundle(number, width) {
    const parts = this.entries.slice(number * 256, number * 256 + width).map(({ leaf }) => {
      const bytes = Buffer.from(leaf);
      return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
    });
    return Buffer.concat(parts);
  }
}

/** A new nonce and the commitment to an identifier that it opens. */
export function commitment(type, normalised) {
  const nonce = randomBytes(32);
  const subject = createHash("sha256").update(nonce).update(`${type}\0${normalised}`).digest("base64url");
  return { nonce, subject };
}
