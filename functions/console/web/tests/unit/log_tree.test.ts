import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Bytes } from "../../src/receipt/bytes.ts";
import { DoesNotHold } from "../../src/receipt/fault.ts";
import {
  checkInclusion,
  leafHash,
  nodeHash,
  type Tile,
  Tiles,
  tileName,
  tilesOf,
  tileWith,
} from "../../src/receipt/tree.ts";

const SIZE = 300;
const sha256 = (...parts: Uint8Array[]): Bytes =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());
const LEAVES = Array.from({ length: 70_000 }, (_, at) => sha256(Uint8Array.of(0), Buffer.from(`entry ${at}`)));

/** The root and the proofs as RFC 6962 writes them down: nothing is kept, nothing is clever. */
function naiveRoot(leaves: readonly Bytes[]): Bytes {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return first;
  const split = splitOf(leaves.length);
  return sha256(Uint8Array.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}
function naiveProof(index: number, leaves: readonly Bytes[]): Bytes[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...naiveProof(index, left), naiveRoot(right)]
    : [...naiveProof(index - split, right), naiveRoot(left)];
}
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}

/** All tiles of a log of so many entries, by their names, made from below. */
function naiveTiles(size: number): Map<string, Bytes> {
  const tiles = new Map<string, Bytes>();
  let row = LEAVES.slice(0, size);
  for (let level = 0; row.length > 0; level += 1) {
    const above: Bytes[] = [];
    for (let first = 0; first < row.length; first += 256) {
      const hashes = row.slice(first, first + 256);
      const tile: Tile = { row: BigInt(level), index: BigInt(first / 256), width: hashes.length };
      tiles.set(tileName(tile), new Uint8Array(Buffer.concat(hashes)));
      if (hashes.length === 256) above.push(naiveRoot(hashes));
    }
    row = above;
  }
  return tiles;
}
const at = (index: number): Bytes => LEAVES[index] ?? assert.fail();
const holds = (index: number, size: number, proof: readonly Bytes[], root: Bytes) =>
  checkInclusion(at(index), BigInt(index), BigInt(size), proof, root);

test("hashes are those of the RFC", async () => {
  const text = (bytes: Bytes) => Buffer.from(bytes).toString("base64");
  // Known from Certificate Transparency's test vectors: the leaf hash of an empty entry.
  assert.equal(text(await leafHash(new Uint8Array())), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
  assert.deepEqual(await leafHash(new Uint8Array(Buffer.from("entry 7"))), at(7));
  assert.deepEqual(await nodeHash(at(0), at(1)), naiveRoot(LEAVES.slice(0, 2)));
});

test("the proofs of every size up to 300 are made from tiles and hold", async () => {
  for (let size = 1; size <= SIZE; size += 1) {
    const [tiles, leaves] = [new Tiles(naiveTiles(size)), LEAVES.slice(0, size)];
    const root = naiveRoot(leaves);
    // Each entry of small logs; of others the first, the last, and some between.
    const some = [0, Math.floor(size / 3), (size * 37) % (size - 1), size - 2, size - 1];
    for (const index of size < 20 ? leaves.keys() : some) {
      const proof = await tiles.proof(BigInt(index), BigInt(size));
      assert.deepEqual(proof, naiveProof(index, leaves), `${index} of ${size}`);
      await holds(index, size, proof, root);
    }
  }
});

test("the proofs of a log with three levels of tiles hold", async () => {
  for (const size of [65_535, 65_536, 65_537, 69_999]) {
    const [all, root] = [naiveTiles(size), naiveRoot(LEAVES.slice(0, size))];
    for (const index of [0, 255, 256, 65_534, size - 1]) {
      // No other tiles are needed than those that are named.
      const names = [...tilesOf(BigInt(index), BigInt(size))];
      const read = new Map(names.map((name) => [name, all.get(name) ?? assert.fail(name)]));
      await holds(index, size, await new Tiles(read).proof(BigInt(index), BigInt(size)), root);
    }
  }
});

test("a changed, missing or further hash does not hold", async () => {
  for (const [index, size] of [
    [0, 1],
    [0, 2],
    [5, 7],
    [6, 7],
    [200, 299],
    [298, 299],
  ] as const) {
    const leaves = LEAVES.slice(0, size);
    const [proof, root] = [naiveProof(index, leaves), naiveRoot(leaves)];
    await holds(index, size, proof, root);
    const refused = async (proof: Bytes[], of: number = index, root_ = root, size_: number = size) =>
      assert.rejects(holds(of, size_, proof, root_), DoesNotHold, `${index} of ${size}`);
    for (let bit = 0; bit < proof.length * 256; bit += 1) {
      const changed = proof.map((hash) => hash.slice());
      const hash = changed[Math.floor(bit / 256)];
      if (hash) hash[(bit >> 3) % 32] = (hash[(bit >> 3) % 32] ?? 0) ^ (1 << (bit & 7));
      await refused(changed);
    }
    for (let bit = 0; bit < 256; bit += 1) {
      const other = root.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refused(proof, index, other);
    }
    if (proof.length > 0) await refused(proof.slice(1));
    await refused([...proof, root]);
    await refused(proof, size);
    if (size > 1) await refused(proof, index === 0 ? 1 : index - 1);
  }
  await assert.rejects(checkInclusion(at(0), 0n, 0n, [], sha256()), /not among the first 0/);
});

test("a changed tile leads to another root", async () => {
  const [index, size] = [270, 300];
  const [tiles, root] = [naiveTiles(size), naiveRoot(LEAVES.slice(0, size))];
  const proofWith = (name: string, content: Bytes) => new Tiles(new Map(tiles).set(name, content)).proof(270n, 300n);
  const proof = await new Tiles(tiles).proof(270n, 300n);
  for (const name of tilesOf(270n, 300n)) {
    const whole = tiles.get(name) ?? assert.fail();
    for (let at = 0; at < whole.length; at += 32) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const other = await proofWith(name, changed);
      // The entry's own hash is in no proof.
      const isOther = other.some((hash, place) => !Buffer.from(hash).equals(proof[place] ?? Buffer.of()));
      assert.equal(isOther, !(name.startsWith("0/") && at === (index % 256) * 32), `${name} ${at}`);
      if (isOther) await assert.rejects(holds(index, size, other, root), DoesNotHold);
    }
    await assert.rejects(proofWith(name, whole.slice(1)), /wrong length/);
  }
});

test("tiles have the names of c2sp.org/tlog-tiles", () => {
  const name = (number: bigint, size: bigint, row: Tile["row"] = 0n) => tileName(tileWith(row, number, size));
  assert.equal(name(0n, 1n), "0/000.p/1");
  assert.equal(name(255n, 256n), "0/000");
  assert.equal(name(256n, 257n), "0/001.p/1");
  assert.equal(name(0n, 257n), "0/000");
  assert.equal(name(0n, 65_536n, 1n), "1/000");
  assert.equal(name(3n, 1_024n, 1n), "1/000.p/4");
  assert.equal(name(7n, 8n, "entries"), "entries/000.p/8");
  assert.equal(name(1_234_067n * 256n, 1_234_068n * 256n), "0/x001/x234/067");
  assert.equal(name(1_000n * 256n, 2_000n * 256n), "0/x001/000");
  // The largest log has entries, and tiles, beyond the numbers of JavaScript.
  assert.equal(tilesOf(2n ** 63n - 2n, 2n ** 63n - 1n).size, 8);
});
