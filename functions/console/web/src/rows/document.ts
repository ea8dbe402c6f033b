import type { Columns } from "./columns.ts";
import { columnsOf } from "./json.ts";
import { JsonScanner, type JsonSink, type Place } from "./json_scanner.ts";
import { Unreadable } from "./unreadable.ts";

/** A JSON document: which list its rows are, and what their cells are if that was said beside them. */
export type DocumentFormat =
  | { readonly kind: "document"; readonly list: "whole" | "rows" | "data"; readonly columns: Columns | null }
  /** One object that is a row. */
  | { readonly kind: "object" };

/** What a text is as JSON. */
export interface JsonResult {
  /** Whether it begins like JSON of rows; `value` is any other JSON, or none. */
  readonly start: "rows" | "value" | "text";
  readonly format: DocumentFormat | null;
  /** Why it is no JSON document. */
  readonly fault: "cut" | { line: number; column: number } | null;
}

/** Fields of a job. A page is carried out at once, so `dry_run` must not be ignored. */
const JOB_FIELDS = new Set(["action", "dry_run", "open", "max_deletions", "group", "start_at"]);

/** Looks whether a text is a JSON document. */
export async function documentOf(texts: AsyncIterable<string>): Promise<JsonResult> {
  const fields = new Fields();
  const scanner = new JsonScanner(fields);
  let start: JsonResult["start"] | null = null;
  for await (const text of texts) {
    // The whole text is read all the same: it may turn out to be binary.
    start ??= startOf(text);
    if (start !== "text") scanner.feed(text);
  }
  if (start === null || start === "text") return { start: "text", format: null, fault: null };
  const end = scanner.end();
  if (end === "cut") return { start, format: null, fault: "cut" };
  if (end === "broken") return { start, format: null, fault: scanner.fault };
  if (start === "value") throw new Unreadable("The file is a single JSON value. Choose a list of rows.");
  return { start, format: fields.format(), fault: null };
}

/** What a text is, by its first character that is no blank; null if it has none. */
function startOf(text: string): JsonResult["start"] | null {
  const first = /[^ \t\n\f\r]/.exec(text)?.[0];
  if (first === undefined) return null;
  if (first === "{" || first === "[") return "rows";
  return /[-0-9tfn]/.test(first) ? "value" : "text";
}

/** Notes the fields of a document that is an object. */
class Fields implements JsonSink {
  #isObject = false;
  readonly #fields: { name: string | null; isList: boolean }[] = [];
  #columnNames = "";

  begins({ depth, field }: Place, first: string): boolean {
    if (depth === 0) this.#isObject = first === "{";
    if (depth !== 1 || !this.#isObject) return false;
    this.#fields.push({ name: field, isList: first === "[" });
    return field === "column_names" && first === "[";
  }

  ended(text: string | null): void {
    this.#columnNames = text ?? "";
  }

  format(): DocumentFormat {
    if (!this.#isObject) return { kind: "document", list: "whole", columns: null };
    const names = this.#fields.map(({ name }) => name);
    const isList = (wanted: string) => this.#fields.some(({ name, isList }) => name === wanted && isList);
    const [rows, data, columnNames] = [isList("rows"), isList("data"), isList("column_names")];
    // An object with a name that is no Unicode is no page.
    if (names.includes(null)) return { kind: "object" };
    const isTwice = ["rows", "data", "column_names"].some((name) => names.indexOf(name) !== names.lastIndexOf(name));
    if (isTwice) throw new Unreadable("The file has rows, data or column_names twice. Each of them may be there once.");
    if (!rows && !data) return { kind: "object" };
    if (names.some((name) => name !== null && JOB_FIELDS.has(name))) {
      throw new Unreadable(
        "The file has a field of a job, such as dry_run, beside its rows. Remove it: you set it below.",
      );
    }
    if (rows && data) throw new Unreadable("The file has both rows and data. Remove one of them.");
    if (rows && columnNames) {
      throw new Unreadable(
        "column_names describes data, but the file has rows. Name both data, or remove column_names.",
      );
    }
    if (rows) return { kind: "document", list: "rows", columns: null };
    if (!columnNames) throw new Unreadable("column_names is missing beside data. Add it, or name the list rows.");
    return { kind: "document", list: "data", columns: columnsOf(this.#columnNames) };
  }
}
