import { type Change, withChanges } from "./change.ts";
import type { Format } from "./format.ts";
import { rowsOf } from "./reader.ts";
import { type Row, rowJson } from "./row.ts";
import type { ReadOptions, RowFile } from "./source.ts";
import { byteLength } from "./text.ts";

/** The most rows of a page: what `efface bulk` takes without `--page-size`. */
export const PAGE_ROWS = 10_000;

/** The most bytes of the rows of a page, as sent: what the API takes, without what is around them. */
const PAGE_BYTES = 4 * 1024 * 1024 - 1_024;

/** The longest row in JSON, in bytes. No valid row is longer; a longer one is sent as one that can't be read. */
const ROW_BYTES = 64 * 1024;

/** Consecutive rows that are sent in one request. */
export interface Page {
  /** From 1: page 0 is the rows that come with the request that makes a job. */
  readonly number: number;
  /** The number of its first row in the file, from 1. */
  readonly firstRow: number;
  readonly count: number;
  /** The rows as a JSON list. */
  readonly rows: string;
}

/**
 * Divides rows into pages as `efface bulk` does (`cli/src/rows/source.rs`): the same rows are always the same pages, byte
 * for byte. So what one of them has begun the other can finish.
 */
export class PageBuilder {
  readonly #keepsText: boolean;
  #number = 1;
  #firstRow = 1;
  #texts: string[] = [];
  #count = 0;
  #bytes = 0;

  /** Without their texts pages are only counted. */
  constructor(keepsText = true) {
    this.#keepsText = keepsText;
  }

  /** Adds a row. Returns the page that was full without it. */
  add(row: Row): Page | null {
    let text = rowJson(row);
    let bytes = byteLength(text);
    if (bytes > ROW_BYTES) [text, bytes] = ["null", 4];
    const isFull = this.#count === PAGE_ROWS || this.#bytes + bytes > PAGE_BYTES;
    const page = isFull ? this.end() : null;
    // With the bracket or the comma before it.
    this.#bytes += bytes + 1;
    this.#count += 1;
    if (this.#keepsText) this.#texts.push(text);
    return page;
  }

  /** The last page, if it has rows. */
  end(): Page | null {
    if (this.#count === 0) return null;
    const page = {
      number: this.#number++,
      firstRow: this.#firstRow,
      count: this.#count,
      rows: `[${this.#texts.join(",")}]`,
    };
    this.#firstRow += this.#count;
    [this.#texts, this.#count, this.#bytes] = [[], 0, 0];
    return page;
  }
}

/** The pages of a file in their order, in the forms that somebody asked for. Only one is made at a time. */
export async function* pagesOf(
  file: RowFile,
  format: Format,
  changes: readonly Change[],
  options: ReadOptions,
): AsyncGenerator<Page> {
  const builder = new PageBuilder();
  let number = 0;
  for await (const rows of rowsOf(file, format, options)) {
    for (const { row } of rows) {
      number += 1;
      const page = builder.add(changes.length === 0 ? row : withChanges(row, number, changes));
      if (page !== null) yield page;
    }
  }
  const last = builder.end();
  if (last !== null) yield last;
}

/** The body of the request that adds a page: byte for byte that of `efface bulk`. */
export function pageBody({ number, rows }: Page): string {
  return `{"page":${number},"rows":${rows}}`;
}
