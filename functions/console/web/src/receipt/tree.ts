import { type Bytes, isEqual, sha256 } from "./bytes.ts";
import { check } from "./fault.ts";

/** The hash of a node of a log's tree: 32 bytes. */
export type Hash = Bytes;

/** How many hashes a full tile has, and how many entries a full bundle. */
export const WIDTH = 256n;
/** Levels of the tree from one row of tiles to the next. */
const HEIGHT = 8n;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of an entry (RFC 6962, section 2.1). */
export function leafHash(entry: Bytes): Promise<Hash> {
  return sha256(LEAF, entry);
}

/** The hash of a node with two children. */
export function nodeHash(left: Hash, right: Hash): Promise<Hash> {
  return sha256(NODE, left, right);
}

/** Checks that the hashes beside the way from an entry lead to the root (RFC 6962, section 2.1.1). */
export async function checkInclusion(leaf: Hash, index: bigint, size: bigint, proof: readonly Hash[], root: Hash) {
  check(index < size, `Entry ${index} is not among the first ${size}.`);
  let [node, at, last] = [leaf, index, size - 1n];
  for (const beside of proof) {
    check(last > 0n, "The proof has too many hashes.");
    if (at % 2n === 1n || at === last) {
      node = await nodeHash(beside, node);
      while (at % 2n === 0n && at > 0n) [at, last] = [at / 2n, last / 2n];
    } else {
      node = await nodeHash(node, beside);
    }
    [at, last] = [at / 2n, last / 2n];
  }
  check(last === 0n, "The proof has too few hashes.");
  check(isEqual(node, root), "The entry is not at this index of the log with this root.");
}

/** A file of the log: some hashes of one level of the tree, or some entries. */
export interface Tile {
  row: bigint | "entries";
  /** Its number within its row. */
  index: bigint;
  /** How many it holds: 1 to 256. */
  width: number;
}

/** The tile with the hash, or entry, that has a number in its row, as a log of so many entries has it. */
export function tileWith(row: Tile["row"], number: bigint, size: bigint): Tile {
  const length = row === "entries" ? size : size >> (HEIGHT * row);
  const index = number / WIDTH;
  return { row, index, width: Number(index < length / WIDTH ? WIDTH : length % WIDTH) };
}

/** Its name below `tile/` (c2sp.org/tlog-tiles). */
export function tileName({ row, index, width }: Tile): string {
  const digits = index.toString();
  const threes = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.../g) ?? [];
  const number = threes.map((three, at) => (at < threes.length - 1 ? `x${three}` : three)).join("/");
  return `${row}/${number}${width < Number(WIDTH) ? `.p/${width}` : ""}`;
}

/** A node of the tree with `2^height` entries below it, all of which the log has. */
interface Subtree {
  height: bigint;
  index: bigint;
}

/** Where the proof of an entry is in the tiles: a list for each of its hashes, of the subtrees that the hash is made of. */
export function pathOf(index: bigint, size: bigint): Subtree[][] {
  const beside: Subtree[][] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const split = start + largestBelow(end - start);
    if (index < split) {
      beside.unshift(subtrees(split, end));
      end = split;
    } else {
      beside.unshift(subtrees(start, split));
      start = split;
    }
  }
  return beside;
}

/** Hashes of a tile, from which the hash of a subtree follows: a power of 2 of them. */
interface Place {
  tile: Tile;
  from: number;
  count: number;
}

function placeOf({ height, index }: Subtree, size: bigint): Place {
  const first = index << (height % HEIGHT);
  const tile = tileWith(height / HEIGHT, first, size);
  return { tile, from: Number(first % WIDTH), count: 2 ** Number(height % HEIGHT) };
}

/** The names of the tiles that the proof of an entry is made from. */
export function tilesOf(index: bigint, size: bigint): Set<string> {
  return new Set(
    pathOf(index, size)
      .flat()
      .map((subtree) => tileName(placeOf(subtree, size).tile)),
  );
}

/** Tiles that were read. A tile never changes, so what follows from it is computed once. */
export class Tiles {
  readonly #read: ReadonlyMap<string, Bytes>;
  readonly #roots = new Map<string, Promise<Hash>>();

  /** The contents of tiles by their names. More may be added to the map. */
  constructor(read: ReadonlyMap<string, Bytes>) {
    this.#read = read;
  }

  /** The proof of an entry, its sibling first. The tiles that {@link tilesOf} names must have been read. */
  async proof(index: bigint, size: bigint): Promise<Hash[]> {
    const proof: Hash[] = [];
    for (const beside of pathOf(index, size)) {
      const [last, ...others] = beside.map((subtree) => placeOf(subtree, size)).reverse();
      if (last === undefined) continue;
      let hash = await this.#root(last);
      for (const left of others) hash = await nodeHash(await this.#root(left), hash);
      proof.push(hash);
    }
    return proof;
  }

  #root(place: Place): Promise<Hash> {
    const { tile, from, count } = place;
    if (count === 1) return Promise.resolve(this.#hash(tile, from));
    const name = `${tileName(tile)} ${from} ${count}`;
    const known = this.#roots.get(name);
    if (known !== undefined) return known;
    const half = count / 2;
    const root = Promise.all([
      this.#root({ tile, from, count: half }),
      this.#root({ tile, from: from + half, count: half }),
    ]).then(([left, right]) => nodeHash(left, right));
    this.#roots.set(name, root);
    return root;
  }

  #hash(tile: Tile, at: number): Hash {
    const bytes = this.#read.get(tileName(tile));
    check(bytes?.length === tile.width * 32, `The tile ${tileName(tile)} is missing or has a wrong length.`);
    return bytes.slice(at * 32, at * 32 + 32);
  }
}

/** The whole subtrees that the right or left part of a tree is made of, the largest first. */
function subtrees(start: bigint, end: bigint): Subtree[] {
  const found: Subtree[] = [];
  let at = start;
  while (at < end) {
    const height = BigInt((end - at).toString(2).length - 1);
    found.push({ height, index: at >> height });
    at += 1n << height;
  }
  return found;
}

/** The largest power of 2 below a number over 1. */
function largestBelow(number: bigint): bigint {
  return 1n << BigInt((number - 1n).toString(2).length - 1);
}
