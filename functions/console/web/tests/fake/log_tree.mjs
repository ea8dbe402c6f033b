import { createHash } from "node:crypto";

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const hashLeaf = (leaf) => sha256(Buffer.from([0]), leaf);
const hashNode = (left, right) => sha256(Buffer.from([1]), left, right);

/** The largest power of two that is smaller than a number. */
const split = (size) => 2 ** Math.floor(Math.log2(size - 1));

/** A Merkle tree of RFC 6962. Whole subtrees are kept, as they never change. */
export class LogTree {
  #leaves = [];
  #whole = new Map();

  append(leaf) {
    this.#leaves.push(hashLeaf(leaf));
  }

  root(size) {
    return size === 0 ? sha256("") : this.#hash(0, size);
  }

  /** The hashes beside the way from a leaf to the root, the leaf's sibling first. */
  proof(index, start, size) {
    if (size === 1) return [];
    const left = split(size);
    return index < left
      ? [...this.proof(index, start, left), this.#hash(start + left, size - left)]
      : [...this.proof(index - left, start + left, size - left), this.#hash(start, left)];
  }

  /** The hashes of a tile: whole subtrees of 256^level leaves. */
  tile(level, number, width) {
    const span = 256 ** level;
    const hashes = Array.from({ length: width }, (_, place) => this.#hash((number * 256 + place) * span, span));
    return Buffer.concat(hashes);
  }

  #hash(start, size) {
    if (size === 1) return this.#leaves[start];
    const isWhole = Number.isInteger(Math.log2(size)) && start % size === 0;
    const name = `${start}/${size}`;
    const kept = isWhole ? this.#whole.get(name) : undefined;
    if (kept !== undefined) return kept;
    const left = split(size);
    const made = hashNode(this.#hash(start, left), this.#hash(start + left, size - left));
    if (isWhole) this.#whole.set(name, made);
    return made;
  }
}
