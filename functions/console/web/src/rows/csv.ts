import { asciiLower, type Columns, headerColumns, MAX_COLUMNS, rowOfCells, rowOfColumns, trim } from "./columns.ts";
import { CELLS, LONG_ROW, QUOTES } from "./fault.ts";
import { isBlank } from "./line.ts";
import { isTypeName, type Row } from "./row.ts";
import { Unreadable } from "./unreadable.ts";

/** What may separate cells, and what it is called. It is the comma, unless a header or a line `sep=` shows another one. */
export const SEPARATORS = [
  [",", "comma"],
  [";", "semicolon"],
  ["\t", "tab"],
  ["|", "vertical bar"],
] as const;

export type Separator = (typeof SEPARATORS)[number][0];

/** How a table is read. */
export interface Layout {
  readonly separator: Separator;
  /** Whether the first line names the columns. */
  readonly hasHeader: boolean;
  /** Null: the number of cells says what they are. */
  readonly columns: Columns | null;
}

/** Why a line is no record: it ends within quotes, has a quote in a wrong place, or too many columns. */
type Unread = "open" | "quotes" | "columns";

/** The cells of a line. Quotes belong around a whole cell, and double within it; within any other cell they are text. */
export function splitCells(line: string, separator: string): string[] | Unread {
  if (!line.includes('"')) {
    const cells = line.split(separator, MAX_COLUMNS + 1);
    return cells.length > MAX_COLUMNS ? "columns" : cells;
  }
  const cells: string[] = [];
  for (let at = 0; cells.length < MAX_COLUMNS; at += 1) {
    if (line[at] === '"') {
      const [cell, end] = quoted(line, at + 1) ?? [];
      if (cell === undefined || end === undefined) return "open";
      cells.push(cell);
      at = end;
    } else {
      const end = line.indexOf(separator, at);
      cells.push(end === -1 ? line.slice(at) : line.slice(at, end));
      at = end === -1 ? line.length : end;
    }
    if (at >= line.length) return cells;
    if (line[at] !== separator) return "quotes";
  }
  return "columns";
}

/** The text of a quoted cell from behind its first quote, and where the cell ends. */
function quoted(line: string, start: number): [string, number] | null {
  let cell = "";
  for (let at = start; ; ) {
    const quote = line.indexOf('"', at);
    if (quote === -1) return null;
    cell += line.slice(at, quote);
    if (line[quote + 1] !== '"') return [cell, quote + 1];
    cell += '"';
    at = quote + 2;
  }
}

/** The separator that a line `sep=;` names; null for any other line. */
export function namedSeparator(line: string): Separator | null {
  const [, separator] = /^(?:sep=(.)|"sep=(.)")$/s.exec(asciiLower(line))?.filter(Boolean) ?? [];
  return SEPARATORS.find(([known]) => known === separator)?.[0] ?? null;
}

/** How a table is read, by its first two lines that are not blank. */
export function layoutOf(firstLines: readonly string[]): Layout {
  const [first = "", second = ""] = firstLines;
  const named = namedSeparator(first.replace(/^[ \t\f]+/, ""));
  const separator = named ?? shownSeparator(first.replace(/^[ \t\f]+/, ""));
  const cells = splitCells(named === null ? first : second, separator);
  const columns = typeof cells === "string" ? null : headerColumns(cells);
  return { separator, hasHeader: columns !== null, columns };
}

/** The separator that the first line shows by a header. */
function shownSeparator(line: string): Separator {
  for (const [separator, name] of SEPARATORS) {
    // `||` is an operator of SQL: an expression without a name.
    if (separator === "," || !line.includes(separator) || line.includes("||")) continue;
    const cells = splitCells(line, separator);
    if (typeof cells === "string") continue;
    if (headerColumns(cells) !== null) return separator;
    if (isTypeName(trim(cells[0] ?? "")) && !line.includes(",") && !line.includes(":")) {
      throw new Unreadable(
        `The cells seem to be separated by a ${name}: say below that they are, or name the columns in a header.`,
        true,
      );
    }
  }
  return ",";
}

/** Reads the lines of a table. A line that breaks the rules is one faulty row, and the next line is read. */
export class TableReader {
  readonly #layout: Layout;
  readonly #each: (row: Row, line: number) => void;
  #isFirst = true;
  #awaitsHeader: boolean;
  #openLine: number | null = null;
  #rows = 0;

  constructor(layout: Layout, each: (row: Row, line: number) => void) {
    this.#layout = layout;
    this.#each = each;
    this.#awaitsHeader = layout.hasHeader;
  }

  line(text: string, number: number, isCut: boolean): void {
    if (isBlank(text)) return;
    // What is in quotes that are not closed may go on in the next lines, so these may be a text and no rows.
    if (this.#openLine !== null && text.includes('"')) throw openCell(this.#openLine);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (isFirst && namedSeparator(text.replace(/^[ \t\f]+/, "")) !== null) return;
    const cells = isCut ? "cut" : splitCells(text, this.#layout.separator);
    if (cells === "open") this.#openLine = number;
    if (this.#awaitsHeader) {
      this.#awaitsHeader = false;
      return;
    }
    this.#rows += 1;
    this.#each(this.#row(cells), number);
  }

  end(): void {
    if (this.#layout.hasHeader && this.#rows === 0) throw new Unreadable("The file has a header and no rows.", true);
  }

  #row(cells: string[] | Unread | "cut"): Row {
    const { columns } = this.#layout;
    if (typeof cells !== "string") return columns === null ? rowOfCells(cells) : rowOfColumns(columns, cells);
    if (cells === "cut") return { fault: LONG_ROW };
    return { fault: cells === "columns" ? CELLS : QUOTES };
  }
}

function openCell(line: number): Unreadable {
  return new Unreadable(
    `Line ${line} has a quoted cell that is not closed on that line. Put each row on one line, without line ends in its cells, or send the rows as JSON.`,
  );
}
