/** Why a row is invalid: the API's code and message (`functions/core/src/rows/fault.rs`). No message shows a value. */
export interface Fault {
  readonly code: "invalid_row" | "invalid_value" | "unsupported_eid_type";
  readonly message: string;
}

const row = (message: string): Fault => ({ code: "invalid_row", message });
const value = (message: string): Fault => ({ code: "invalid_value", message });
const type = (message: string): Fault => ({ code: "unsupported_eid_type", message });

export const NOT_TEXT = row(
  "The row has the wrong JSON form: send a text `key:value` or an object with `key` and `value` to delete a profile, an object with `type`, `id` and either `user_id` or `profile` to delete an identifier.",
);
export const NO_COLON = row(
  "The row has no `:` between key and value; send `key:value`, such as `email:…`, or a profile's own id, `use_…`.",
);
export const UNKNOWN_TYPE = type(
  "The key is not an identifier type of this space; use one of its types, exactly as it is written.",
);
export const UNSUPPORTED_TYPE = type("Identifiers of the type `group_id` can't be deleted; use another type.");
export const EMPTY_VALUE = value("The value is empty; send 1 to 2,048 bytes.");
export const LONG_VALUE = value("The value is too long; send 1 to 2,048 bytes of UTF-8.");
export const NOT_UTF8 = row("The row is not Unicode text; send it as UTF-8.");
export const MISSING_FIELD = row(
  "The row lacks a value: it takes `key` and `value` to delete a profile, `type`, `id` and either `user_id` or `profile` to delete an identifier.",
);
export const UNKNOWN_FIELD = row(
  "The row has a field too many; send exactly `type`, `id` and either `user_id` or `profile`.",
);
export const REPEATED_FIELD = row("The row has a field more than once; send each field once.");
export const QUOTES = row(
  "The line has a quote in a wrong place: put quotes around a whole cell, and double those within it.",
);
export const CELLS = row(
  "The row has more or fewer cells than columns; in CSV, put quotes around a cell that holds the separator.",
);
export const PROFILE_ID = value(
  "A profile's own id is `use_` and 32 digits 0-9 and a-f; send it as reads and lists show it.",
);
/** The API does not know this one: a longer line is not kept in the browser's memory. */
export const LONG_ROW = row("The row is longer than 4 MiB.");
