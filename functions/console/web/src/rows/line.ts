/** The longest line that is kept, in UTF-16 units: no request could hold more. */
const MAX_LINE = 4 * 1024 * 1024;

/** How much is kept of a longer one, so that it is still a line. */
const KEPT = 100;

/** What a line is passed to: its text, its number from 1, and whether only its beginning was kept. */
export type EachLine = (text: string, number: number, isCut: boolean) => void;

/** Divides slices of a text into lines. LF, CR LF and CR alone end one. */
export class LineSplitter {
  readonly #each: EachLine;
  #rest = "";
  #line = 1;
  #isCut = false;

  constructor(each: EachLine) {
    this.#each = each;
  }

  feed(text: string): void {
    const all = this.#rest + text;
    let [start, lf, cr] = [0, all.indexOf("\n"), all.indexOf("\r")];
    for (;;) {
      if (lf !== -1 && lf < start) lf = all.indexOf("\n", start);
      if (cr !== -1 && cr < start) cr = all.indexOf("\r", start);
      const end = lf === -1 || cr === -1 ? Math.max(lf, cr) : Math.min(lf, cr);
      // A CR at the end of a slice may be the first half of CR LF.
      if (end === -1 || (end === cr && end === all.length - 1)) break;
      this.#pass(all.slice(start, end));
      start = end + (end === cr && lf === end + 1 ? 2 : 1);
    }
    this.#rest = all.slice(start);
    if (this.#rest.length > MAX_LINE) {
      this.#rest = this.#rest.slice(0, KEPT) + (this.#rest.endsWith("\r") ? "\r" : "");
      this.#isCut = true;
    }
  }

  /** Passes the last line, if it has no end. */
  end(): void {
    for (const line of this.#rest.split("\r")) if (line !== "") this.#pass(line);
    this.#rest = "";
  }

  #pass(text: string): void {
    this.#each(text, this.#line++, this.#isCut);
    this.#isCut = false;
  }
}

/** Whether a line has nothing but ASCII blanks: it is no row. */
export function isBlank(line: string): boolean {
  return /^[ \t\f]*$/.test(line);
}

/** A line without spaces and tabs around it. */
export function trimmed(line: string): string {
  const isPlain = line.charCodeAt(0) > 32 && line.charCodeAt(line.length - 1) > 32;
  return isPlain ? line : line.replace(/^[ \t]+|[ \t]+$/g, "");
}

/** The lines of rows, by their numbers. Rows whose lines are equally far apart take no memory. */
export class RowLines {
  /** The first row of each run, its line, and how many lines further the next row is. */
  readonly #runs: { row: number; line: number; step: number }[] = [];
  #last = 0;

  /** Adds the next row. */
  push(line: number): void {
    const row = ++this.#last;
    const run = this.#runs.at(-1);
    if (run !== undefined && row === run.row + 1) run.step = line - run.line;
    else if (run === undefined || this.of(row) !== line) this.#runs.push({ row, line, step: 1 });
  }

  /** The line where a row begins. Rows and lines are numbered from 1. */
  of(row: number): number {
    let [from, to] = [0, this.#runs.length];
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if ((this.#runs[middle]?.row ?? 0) <= row) from = middle;
      else to = middle;
    }
    const run = this.#runs[from] ?? { row: 1, line: 1, step: 1 };
    return run.line + (row - run.row) * run.step;
  }
}
