import { CELLS, type Fault, NOT_UTF8 } from "./fault.ts";
import { DEFAULT_TYPES, isTypeName, type Row, type Shape } from "./row.ts";
import { BAD } from "./text.ts";
import { Unreadable } from "./unreadable.ts";

/** The text of a cell, or why it has none. In text from a decoder, {@link BAD} stands for bytes that are none. */
export type Cell = string | Fault;

/** The most columns of a table. A row needs three at most. */
export const MAX_COLUMNS = 1_024;

/** The names of columns that make a row. */
export const NAMES: readonly string[] = ["key", "value", "user_id", "type", "id", "profile"];

/** Names of a single column of `key:value`, where it could be a row as well; the last two are what databases call one. */
const SINGLE = new Set([
  "key:value",
  "key",
  "value",
  "id",
  "row",
  "rows",
  "profile",
  "profiles",
  "identifier",
  "identifiers",
  "external_id",
  "external_ids",
  "profile_id",
  "segment_id",
  "?column?",
  "_col0",
]);

/** The columns of a table, and which of them make a row. */
export interface Columns {
  /** The number of columns. A row with more cells is faulty, unless those are empty. */
  readonly width: number;
  readonly shape: Exclude<Shape, "cells">;
  /** Where the cells that make a row are; or a text that all rows have in the place of a cell. */
  readonly used: readonly (number | { readonly text: string })[];
}

export const SINGLE_COLUMN: Columns = { width: 1, shape: "text", used: [0] };

/** What each shape needs, in the order of its cells. */
export const WANTED = {
  pair: ["key", "value"],
  user_id: ["user_id", "type", "id"],
  profile: ["profile", "type", "id"],
} as const;

/** The columns by their names, in any order and case, among any others; null where these are not the names of a row. */
export function namedColumns(given: readonly string[]): Columns | null {
  const names = given.map((name) => asciiLower(trim(name)));
  const width = names.findLastIndex((name) => name !== "") + 1;
  const found = (["pair", "user_id", "profile"] as const).flatMap((shape) => {
    const wanted = WANTED[shape];
    if (!wanted.every((name) => names.includes(name))) return [];
    if (wanted.some((name) => names.indexOf(name) !== names.lastIndexOf(name))) throw ambiguous();
    return [{ width, shape, used: wanted.map((name) => names.indexOf(name)) }];
  });
  if (found.length > 1) throw ambiguous();
  return found[0] ?? null;
}

/** Whether a single cell is the name of a column of `key:value`: a known name, or the expression that makes one. */
export function isSingleName(text: string): boolean {
  const name = trim(text);
  const lower = asciiLower(name);
  if (SINGLE.has(lower)) return true;
  const colon = lower.indexOf(":");
  if (colon >= 0 && isTypeName(trim(lower.slice(0, colon)))) return false;
  return lower.startsWith("concat(") || [" || ", "'||", "||'"].some((operator) => name.includes(operator));
}

/** The columns, if the first line of a table is a header; null if it is a row. */
export function headerColumns(first: readonly string[]): Columns | null {
  const [name = ""] = first;
  if (first.length > 1) return namedColumns(first);
  if (DEFAULT_TYPES.includes(trim(name))) throw wide();
  return isSingleName(name) ? SINGLE_COLUMN : null;
}

/** The row that the cells of a line make under columns. */
export function rowOfColumns({ width, shape, used }: Columns, cells: readonly Cell[]): Row {
  // A row with fewer cells may be the last of a file that was cut off.
  if (cells.length < width || cells.slice(width).some((cell) => cell !== "")) return { fault: CELLS };
  return namedRow(
    shape,
    used.map((place) => (typeof place === "number" ? (cells[place] as Cell) : place.text)),
  );
}

/** The row that cells without column names make. Empty cells at the end are left out. */
export function rowOfCells(cells: readonly Cell[]): Row {
  let length = cells.length;
  while (length > 2 && cells[length - 1] === "") length -= 1;
  const [first] = cells;
  if (length === 2 && cells[1] === "" && typeof first === "string" && first.includes(":")) length = 1;
  return namedRow(length > 1 ? "cells" : "text", length > 0 ? cells.slice(0, length) : [""]);
}

/** The row of the cells that make one, in the order of their shape. */
export function namedRow(shape: Shape, cells: readonly Cell[]): Row {
  for (const cell of cells) {
    if (typeof cell !== "string") return { fault: cell };
    if (cell.includes(BAD)) return { fault: NOT_UTF8 };
  }
  return { shape, cells: cells as readonly string[] };
}

/** A-Z in lower case, and nothing else. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

/** Without the blanks around it, by Unicode's list of them. */
export function trim(text: string): string {
  return text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
}

function ambiguous(): Unreadable {
  return new Unreadable(
    "The columns are ambiguous: name key and value, or type and id with user_id or profile, and each of them once. Or say below which column is what.",
    true,
  );
}

/** Of a table with a column for each type, whose rows would be taken for a key and a value. */
export function wide(): Unreadable {
  return new Unreadable(
    "The file has columns that are named by types of identifiers, such as user_id and email. A row is one identifier: say below which column holds it, and of which type it is.",
    true,
  );
}
