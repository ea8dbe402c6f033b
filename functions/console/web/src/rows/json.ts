import {
  type Cell,
  type Columns,
  MAX_COLUMNS,
  NAMES,
  namedColumns,
  namedRow,
  rowOfCells,
  rowOfColumns,
  SINGLE_COLUMN,
  wide,
} from "./columns.ts";
import { MISSING_FIELD, NOT_TEXT, NOT_UTF8, REPEATED_FIELD, UNKNOWN_FIELD } from "./fault.ts";
import { repaired, stringOf } from "./json_scanner.ts";
import { DEFAULT_TYPES, type Row } from "./row.ts";
import { Unreadable } from "./unreadable.ts";

/** Whether a text is one JSON value. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(repaired(text));
    return true;
  } catch {
    return false;
  }
}

/** The row that a JSON value describes, given as its text. Numbers keep their digits. */
export function rowOfJson(json: string): Row {
  if (json.startsWith("{")) return rowOfObject(json);
  if (!json.startsWith("[")) return rowOfCells([cellOf(json)]);
  const cells = cellsOf(json);
  return cells !== null && (cells.length === 1 || cells.length === 2) ? rowOfCells(cells) : { fault: NOT_TEXT };
}

/** The row that a list is under columns. */
export function rowOfList(columns: Columns, json: string): Row {
  const cells = json.startsWith("[") ? cellsOf(json) : null;
  return cells === null ? { fault: NOT_TEXT } : rowOfColumns(columns, cells);
}

/** The columns that `column_names` are. */
export function columnsOf(json: string): Columns {
  const names = cellsOf(json);
  if (names?.every((name) => typeof name === "string")) {
    const [name = ""] = names;
    if (names.length === 1 && DEFAULT_TYPES.includes(name)) throw wide();
    if (names.length === 1) return SINGLE_COLUMN;
    const columns = namedColumns(names);
    if (columns !== null) return columns;
  }
  throw new Unreadable(
    "column_names must be one column of key:value, or name key and value, or type and id with user_id or profile.",
  );
}

/** The row that a document is, which is one object. One that is plainly something else is none. */
export function rowOfDocument(json: string): Row {
  const row = rowOfObject(json);
  const isRow = row.fault === undefined && (row.shape !== "text" || /^[a-z0-9_.-]{1,64}:/.test(row.cells[0] ?? ""));
  const names = membersOf(json).map(([name]) => stringOf(name));
  // `type` and `id` are in the errors of many servers, too.
  const hasKnown = !names.includes(null) && ["key", "value", "user_id"].some((name) => names.includes(name));
  if (!isRow && !hasKnown) {
    throw new Unreadable("The file is a JSON object without rows or data, and no row. Choose a list of rows.");
  }
  return row;
}

function rowOfObject(json: string): Row {
  const known: Record<string, string> = {};
  const members = membersOf(json);
  let isRepeated = false;
  for (const [key, value] of members) {
    const name = stringOf(key);
    if (name === null) return { fault: NOT_UTF8 };
    if (!NAMES.includes(name)) continue;
    isRepeated ||= name in known;
    known[name] = value;
  }
  const { key, value, user_id, type, id, profile } = known;
  const lookup = user_id ?? profile;
  const isPair = key !== undefined && value !== undefined;
  const isIdentifier = lookup !== undefined && type !== undefined && id !== undefined;
  if (isRepeated) return { fault: REPEATED_FIELD };
  if (isPair) return isIdentifier ? { fault: UNKNOWN_FIELD } : namedRow("pair", [key, value].map(cellOf));
  const [only] = members;
  if (only !== undefined && members.length === 1) {
    // `{"user_id":"email:a"}` is about the user_id `email:a`, not about an email.
    const isType = DEFAULT_TYPES.includes(stringOf(only[0]) ?? "");
    return isType ? { fault: MISSING_FIELD } : namedRow("text", [cellOf(only[1])]);
  }
  if (!isIdentifier) return { fault: MISSING_FIELD };
  if (members.length !== 3) return { fault: UNKNOWN_FIELD };
  return namedRow(user_id === undefined ? "profile" : "user_id", [lookup, type, id].map(cellOf));
}

/** The text of a cell: of a string its value, of an integer its digits as written. */
function cellOf(json: string): Cell {
  if (json.startsWith('"')) return stringOf(json) ?? NOT_UTF8;
  return /^-?\d+$/.test(json) ? json : NOT_TEXT;
}

/** The cells of a list; null if it has too many. */
function cellsOf(json: string): Cell[] | null {
  const values = valuesOf(json);
  return values.length > MAX_COLUMNS ? null : values.map(cellOf);
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const WORD = /[^\s,:{}[\]"]+/y;
const BETWEEN = /[\s,:]*/y;

/** The fields of an object that is known to be JSON: names and values as their texts. */
function membersOf(json: string): [string, string][] {
  const parts = valuesOf(json);
  return parts.flatMap((name, place) => (place % 2 === 0 ? [[name, parts[place + 1] as string]] : []));
}

/** The texts of all values directly in a list or an object that is known to be JSON, and of the names of its fields. */
function valuesOf(json: string): string[] {
  const values: string[] = [];
  for (let at = endOf(BETWEEN, json, 1); at < json.length - 1; at = endOf(BETWEEN, json, at)) {
    const start = at;
    let depth = 0;
    do {
      const next = json[at] as string;
      if (next === '"') at = endOf(STRING, json, at);
      else if (next === "{" || next === "[") at += 1;
      else if (next === "}" || next === "]") at += 1;
      else at = endOf(WORD, json, at);
      if (next === "{" || next === "[") depth += 1;
      if (next === "}" || next === "]") depth -= 1;
      if (depth > 0) at = endOf(BETWEEN, json, at);
    } while (depth > 0);
    values.push(json.slice(start, at));
  }
  return values;
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}
