import type { Row } from "./row.ts";

/** Another form of a value, as a dry run looks for it (`functions/core/src/job/near_miss.rs`). */
export type Form = "lower" | "upper" | "plain";

/** Rows whose values are sent in another form, because somebody asked for it. Rows are numbered from 1. */
export interface Change {
  readonly form: Form;
  readonly rows: ReadonlySet<number>;
}

/** Characters that cannot be seen: zero-width spaces and joiners, direction marks, the soft hyphen, the byte order mark. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

const FORMS: Record<Form, (value: string) => string> = {
  lower: (value) => value.toLowerCase(),
  upper: (value) => value.toUpperCase(),
  plain: (value) =>
    value
      .replace(INVISIBLE, "")
      .replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "")
      .normalize("NFC"),
};

/** The row with its value in another form. What names no identifier stays as it is. */
export function changed(row: Row, form: Form): Row {
  if (row.fault !== undefined) return row;
  const { shape, cells } = row;
  const [first = "", second] = cells;
  if (shape === "text") {
    const colon = first.indexOf(":") + 1;
    return colon === 0 ? row : { shape, cells: [first.slice(0, colon) + FORMS[form](first.slice(colon))] };
  }
  if (second === undefined || cells.length !== 2) return row;
  return { shape, cells: [first, FORMS[form](second)] };
}

/** A row with all changes that are about it, in their order. */
export function withChanges(row: Row, number: number, changes: readonly Change[]): Row {
  return changes.reduce((next, { form, rows }) => (rows.has(number) ? changed(next, form) : next), row);
}
