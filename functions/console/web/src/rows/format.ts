import { type Layout, layoutOf } from "./csv.ts";
import { type DocumentFormat, documentOf, type JsonResult } from "./document.ts";
import { LineSplitter } from "./line.ts";
import { LineCounts } from "./line_counts.ts";
import { isGzip, type ReadOptions, type RowFile, texts } from "./source.ts";
import { Unreadable } from "./unreadable.ts";

/** What a file is, and how its rows are read. */
export type Format = DocumentFormat | { readonly kind: "lines" } | { readonly kind: "table"; readonly layout: Layout };

/** A file that was looked at. */
export interface Recognised {
  readonly isGzip: boolean;
  /** What it is, or why it can't be read. */
  readonly format: Format | Unreadable;
  /** Of a text of lines: its first two lines that are not blank. Somebody may say what their cells are. */
  readonly firstLines: readonly string[];
}

/**
 * Recognises a file by its contents, with the rules of the API and of `efface bulk`
 * (`functions/core/src/rows/format.rs`): a few faulty rows change nothing. Its name counts only where lines of quoted
 * texts could be JSON as well as CSV.
 */
export async function recognise(file: RowFile, options: ReadOptions): Promise<Recognised> {
  const mediaType = mediaTypeOf(file.name);
  const counts = new LineCounts(mediaType === "ndjson");
  const format = await refusals(async () => {
    const json = await documentOf(texts(file, options));
    if (json.format !== null) return json.format;
    const lines = new LineSplitter((...line) => counts.line(...line));
    for await (const text of texts(file, options)) lines.feed(text);
    lines.end();
    return formatOfLines(counts, json, mediaType);
  });
  return { isGzip: await isGzip(file), format, firstLines: counts.first.slice(0, 2) };
}

/** What was found, or why the file was refused. */
async function refusals<T>(looking: () => Promise<T>): Promise<T | Unreadable> {
  try {
    return await looking();
  } catch (fault) {
    if (fault instanceof Unreadable) return fault;
    throw fault;
  }
}

/** What the name of a file says of it, as `efface bulk` reads it. */
function mediaTypeOf(name: string): "csv" | "ndjson" | null {
  const extension = /[^/]\.([^./]*)$/.exec(name)?.[1] ?? "";
  if (extension === "csv" || extension === "CSV") return "csv";
  return extension === "ndjson" || extension === "jsonl" ? "ndjson" : null;
}

/** The format of a text that is no JSON document. */
function formatOfLines(counts: LineCounts, { start, fault }: JsonResult, mediaType: "csv" | "ndjson" | null): Format {
  if (start === "rows") {
    if (fault === "cut") throw new Unreadable("The file ends before its JSON does. Choose the whole file.");
    if (counts.areObjects) return linesOf(counts);
    if (counts.hasKeyAndValue) return tableOf(counts);
    const place = fault === null ? "" : ` (line ${fault.line}, column ${fault.column})`;
    throw new Unreadable(`The file is not valid JSON${place}. Choose a list of rows, or one row a line.`);
  }
  const areTexts = mediaType === null ? counts.areTexts : mediaType === "ndjson" && counts.hasText;
  return counts.areObjects || areTexts ? linesOf(counts) : csvOf(counts);
}

/** Refuses text that is plainly something else than CSV: markup, a form, or messages of a database or a server. */
function csvOf(counts: LineCounts): Format {
  const first = (counts.first[0] ?? "").replace(/^[ \t\f]+/, "");
  if (first.startsWith("<")) {
    throw new Unreadable("The file is HTML or XML, perhaps an error of a server. Choose a file of rows.");
  }
  const isPart = (line: string) => /^[ \t]*content-disposition:/i.test(line);
  if (first.startsWith("--") && counts.first.some(isPart)) {
    throw new Unreadable("The file is a form of several parts, as a browser sends one. Choose the file that is in it.");
  }
  if (counts.isEmpty || counts.mayHaveRow) return tableOf(counts);
  throw new Unreadable(
    "No line of the file is a row. A row is key:value, such as email:…, or the file has a header such as key,value. Or say below what the columns are.",
    true,
  );
}

function linesOf(counts: LineCounts): Format {
  refuseEncoding(counts);
  return { kind: "lines" };
}

function tableOf(counts: LineCounts): Format {
  refuseEncoding(counts);
  return { kind: "table", layout: layoutOf(counts.first) };
}

function refuseEncoding(counts: LineCounts): void {
  if (counts.isOtherEncoding) throw new Unreadable("Most lines of the file are not UTF-8. Save it as UTF-8.");
}
