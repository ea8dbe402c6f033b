import type { Schemas } from "../api/client.ts";
import { wide } from "./columns.ts";
import type { Fault } from "./fault.ts";
import type { Format } from "./format.ts";
import { RowLines } from "./line.ts";
import { PAGE_ROWS, type Page, PageBuilder } from "./page.ts";
import { rowsOf } from "./reader.ts";
import { Rejections } from "./rejection.ts";
import { faultOf, type Row, unreadable } from "./row.ts";
import type { ReadOptions, RowFile } from "./source.ts";

/** How many rows are shown as they were read. */
const SHOWN = 20;

/** Of how many rows it is kept why they can't be read. */
const MAX_UNREADABLE = 100_000;

/** What a job does, and in which space. */
export interface Purpose {
  readonly action: Schemas["RowAction"];
  /** The types of identifiers that the space knows. */
  readonly types: ReadonlySet<string>;
}

/** A row as it is shown. */
export interface ShownRow {
  readonly number: number;
  readonly line: number;
  readonly row: Row;
  readonly fault: Fault | null;
}

/** A file that was read to its end without an error. */
export interface Reading {
  /** The number of rows, including invalid ones. */
  readonly rows: number;
  /** The number of the first row of each page, from 1. */
  readonly firstRows: readonly number[];
  readonly lines: RowLines;
  /** Why rows can't be read, by their number from 1. */
  readonly unreadable: ReadonlyMap<number, Fault>;
  readonly shown: readonly ShownRow[];
  /** The rows that the API will count as invalid, as far as it can be told. */
  readonly rejections: Rejections;
}

/** Reads all rows of a file: an error in the last line is found before the first page is sent. */
export async function readAll(file: RowFile, format: Format, purpose: Purpose, options: ReadOptions): Promise<Reading> {
  const lines = new RowLines();
  const known = new Map<number, Fault>();
  const shown: ShownRow[] = [];
  const rejections = new Rejections();
  const builder = new PageBuilder(false);
  const table = new WideTable(purpose.types);
  const firstRows: number[] = [];
  let count = 0;
  const ended = (page: Page | null) => page !== null && firstRows.push(page.firstRow);
  for await (const rows of rowsOf(file, format, options)) {
    for (const { row, line } of rows) {
      count += 1;
      lines.push(line);
      ended(builder.add(row));
      if (count <= PAGE_ROWS) table.add(row);
      const fault = faultOf(row, purpose.action, purpose.types);
      if (shown.length < SHOWN) shown.push({ number: count, line, row, fault });
      if (fault !== null) rejections.add(line, fault);
      const why = unreadable(row);
      if (why !== null && known.size < MAX_UNREADABLE) known.set(count, why);
    }
  }
  ended(builder.end());
  if (table.isWide) throw wide();
  return { rows: count, firstRows, lines, unreadable: known, shown, rejections };
}

/**
 * Whether the first page is a table with a column for each type, such as `user_id,email`: its rows would be taken for a key
 * and a value. It mirrors `reject_wide` of `functions/core/src/rows/mod.rs`.
 */
class WideTable {
  readonly #types: ReadonlySet<string>;
  #first: Row | null = null;
  #others = 0;
  #isAlone = true;

  constructor(types: ReadonlySet<string>) {
    this.#types = types;
  }

  add(row: Row): void {
    if (this.#first === null) {
      this.#first = row;
      return;
    }
    this.#others += 1;
    const cells = cellsOf(row);
    this.#isAlone &&= cells !== null && !this.#isType(cells[0]);
  }

  get isWide(): boolean {
    const cells = this.#first === null ? null : cellsOf(this.#first);
    if (cells === null) return false;
    const isAlone = this.#isAlone && this.#others > 1 && cells.length === 2 && this.#isType(cells[0]);
    return isAlone || cells.every((cell) => this.#isType(cell));
  }

  #isType(cell = ""): boolean {
    return this.#types.has(cell.trim().toLowerCase());
  }
}

/** The cells of a row that have no names. */
function cellsOf(row: Row): readonly string[] | null {
  return row.fault === undefined && row.shape === "cells" ? row.cells : null;
}
