import type { Schemas } from "../api/client.ts";
import {
  CELLS,
  EMPTY_VALUE,
  type Fault,
  LONG_VALUE,
  MISSING_FIELD,
  NO_COLON,
  PROFILE_ID,
  UNKNOWN_TYPE,
  UNSUPPORTED_TYPE,
} from "./fault.ts";
import { byteLength } from "./text.ts";

/** What the cells of a row are, in their order. `cells` have no names: two are a key and a value, three a user_id, a type
 * and an id. */
export type Shape = "text" | "pair" | "cells" | "user_id" | "profile";

/** A row as it was written, before the types of its space are applied to it; or why it can't be read. */
export type Row =
  | { readonly shape: Shape; readonly cells: readonly string[]; readonly fault?: undefined }
  | { readonly fault: Fault };

/** The types that every space knows. */
export const DEFAULT_TYPES: readonly string[] = [
  "user_id",
  "email",
  "android.id",
  "android.idfa",
  "android.push_token",
  "anonymous_id",
  "ga_client_id",
  "group_id",
  "ios.id",
  "ios.idfa",
  "ios.push_token",
];

/** What each shape is as JSON, before each of its cells. */
const FIELDS = {
  pair: ['{"key":', ',"value":'],
  user_id: ['{"user_id":', ',"type":', ',"id":'],
  profile: ['{"profile":', ',"type":', ',"id":'],
} as const;

const MAX_VALUE_BYTES = 2_048;

/** Whether a text can be the name of a type. */
export function isTypeName(text: string): boolean {
  return /^[a-z0-9_.-]{1,64}$/.test(text);
}

/** The simplest JSON that is the same row, byte for byte as `efface bulk` sends it; `null` for a row that can't be read. */
export function rowJson(row: Row): string {
  if (row.fault !== undefined) return "null";
  const { shape, cells } = row;
  const [first = "", second = ""] = cells;
  if (shape === "text") return quoted(first);
  if (shape === "cells" && cells.length === 2) return `[${quoted(first)},${quoted(second)}]`;
  if (shape === "cells" && cells.length !== 3) return "null";
  const fields = FIELDS[shape === "cells" ? "user_id" : shape];
  return `${fields.map((field, place) => field + quoted(cells[place] as string)).join("")}}`;
}

/** A text as JSON. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Why a row can't be read, whatever it is to delete. */
export function unreadable(row: Row): Fault | null {
  if (row.fault !== undefined) return row.fault;
  return row.shape === "cells" && row.cells.length > 3 ? CELLS : null;
}

/** An identifier, or a profile's own id. */
export interface Named {
  readonly type: string;
  readonly value: string;
}

/** What a row names. */
export interface Meant {
  /** The profile to delete, or the one that has the identifier. */
  readonly profile: Named;
  /** The identifier to delete. */
  readonly target?: Named;
}

/** What a row of an action names, as far as it can be told; the API decides. */
export function meaning(row: Row, action: Schemas["RowAction"]): Meant | Fault {
  if (row.fault !== undefined) return row.fault;
  const { shape, cells } = row;
  const [first = "", second = "", third = ""] = cells;
  const isLong = shape === "cells" && cells.length > 3;
  if (action === "delete_profile") {
    if (shape === "text") return ofText(first);
    if (shape === "pair" || (shape === "cells" && cells.length === 2)) {
      return { profile: { type: first, value: second } };
    }
    return isLong ? CELLS : MISSING_FIELD;
  }
  const target = { type: second, value: third };
  if (shape === "user_id" || (shape === "cells" && cells.length === 3)) {
    return { profile: { type: "user_id", value: first }, target };
  }
  if (shape !== "profile") return isLong ? CELLS : MISSING_FIELD;
  const profile = ofText(first);
  return "code" in profile ? profile : { ...profile, target };
}

/** `key:value`, or a profile's own id. */
function ofText(text: string): Meant | Fault {
  const colon = text.indexOf(":");
  if (colon >= 0) return { profile: { type: text.slice(0, colon), value: text.slice(colon + 1) } };
  return isProfileId(text) ? { profile: { type: "segment_id", value: text } } : NO_COLON;
}

function isProfileId(text: string): boolean {
  return /^use_[0-9a-f]{32}$/.test(text);
}

/** Why a row is invalid in a space with these types; null where nothing speaks against it. */
export function faultOf(row: Row, action: Schemas["RowAction"], types: ReadonlySet<string>): Fault | null {
  const meant = meaning(row, action);
  if ("code" in meant) return meant;
  const { profile, target } = meant;
  if (profile.type === "segment_id") {
    if (!isProfileId(profile.value)) return PROFILE_ID;
  } else {
    const fault = namedFault(profile, types);
    if (fault !== null) return fault;
  }
  return target === undefined ? null : namedFault(target, types);
}

function namedFault({ type, value }: Named, types: ReadonlySet<string>): Fault | null {
  if (!types.has(type)) return UNKNOWN_TYPE;
  if (type === "group_id") return UNSUPPORTED_TYPE;
  if (value === "") return EMPTY_VALUE;
  return value.length > MAX_VALUE_BYTES || byteLength(value) > MAX_VALUE_BYTES ? LONG_VALUE : null;
}
