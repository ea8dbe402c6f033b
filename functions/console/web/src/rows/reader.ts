import type { Columns } from "./columns.ts";
import { TableReader } from "./csv.ts";
import { LONG_ROW, NOT_TEXT } from "./fault.ts";
import type { Format } from "./format.ts";
import { isJson, rowOfDocument, rowOfJson, rowOfList } from "./json.ts";
import { JsonScanner, type JsonSink, type Place } from "./json_scanner.ts";
import { LineSplitter, trimmed } from "./line.ts";
import type { Row } from "./row.ts";
import { type ReadOptions, type RowFile, texts } from "./source.ts";

/** A row, and the line where it begins, from 1. */
export interface ReadRow {
  readonly row: Row;
  readonly line: number;
}

type EachRow = (row: Row, line: number) => void;

/** What takes the slices of a text, and passes on its rows. */
interface RowParser {
  feed(text: string): void;
  end(): void;
}

/** The rows of a file in their order, some at a time: those that end in a slice of it. */
export async function* rowsOf(file: RowFile, format: Format, options: ReadOptions): AsyncGenerator<ReadRow[]> {
  let rows: ReadRow[] = [];
  const parser = parserOf(format, (row, line) => rows.push({ row, line }));
  for await (const text of texts(file, options)) {
    parser.feed(text);
    if (rows.length > 0) yield rows;
    rows = [];
  }
  parser.end();
  if (rows.length > 0) yield rows;
}

function parserOf(format: Format, each: EachRow): RowParser {
  if (format.kind === "document") return new JsonScanner(new List(format, each)) as RowParser;
  if (format.kind === "object") return new JsonScanner(new Whole(each)) as RowParser;
  if (format.kind === "lines") return new LineSplitter((text, line, isCut) => jsonLine(text, line, isCut, each));
  const table = new TableReader(format.layout, each);
  const lines = new LineSplitter((text, line, isCut) => table.line(text, line, isCut));
  return {
    feed: (text) => lines.feed(text),
    end: () => {
      lines.end();
      table.end();
    },
  };
}

function jsonLine(line: string, number: number, isCut: boolean, each: EachRow): void {
  const text = trimmed(line);
  if (isCut) each({ fault: LONG_ROW }, number);
  else if (text !== "") each(isJson(text) ? rowOfJson(text) : { fault: NOT_TEXT }, number);
}

/** Takes the elements of the list that the rows of a document are. */
class List implements JsonSink {
  readonly #list: "whole" | "rows" | "data";
  readonly #columns: Columns | null;
  readonly #each: EachRow;
  #isInList = false;

  constructor({ list, columns }: { list: "whole" | "rows" | "data"; columns: Columns | null }, each: EachRow) {
    this.#list = list;
    this.#columns = columns;
    this.#each = each;
  }

  begins({ depth, field }: Place, first: string): boolean {
    if (this.#list === "whole") return depth === 1;
    if (depth === 1) this.#isInList = field === this.#list && first === "[";
    return depth === 2 && this.#isInList;
  }

  ended(text: string | null, line: number): void {
    if (text === null) this.#each({ fault: LONG_ROW }, line);
    else this.#each(this.#columns === null ? rowOfJson(text) : rowOfList(this.#columns, text), line);
  }
}

/** Takes a document that is one row. */
class Whole implements JsonSink {
  readonly #each: EachRow;

  constructor(each: EachRow) {
    this.#each = each;
  }

  begins({ depth }: Place): boolean {
    return depth === 0;
  }

  ended(text: string | null, line: number): void {
    this.#each(text === null ? { fault: LONG_ROW } : rowOfDocument(text), line);
  }
}
