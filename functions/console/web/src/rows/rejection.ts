import type { Schemas } from "../api/client.ts";

/** Of how many rows of equal rejections the lines are told. */
const LINES = 10;

/** Equal rejections: how many rows, and the lines of the first. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  rows: number;
  readonly lines: readonly number[];
}

/** Why a row is rejected. */
type Why = Pick<Rejection, "code" | "message">;

/** Rows that are invalid. Equal rejections are told as one. */
export class Rejections {
  /** How many there are, those included that the API has not listed. */
  total = 0;
  #listed = 0;
  readonly #groups = new Map<string, { why: Why; rows: number; lines: number[] }>();

  /** Adds a row by its line. */
  add(line: number, why: Why): void {
    this.total += 1;
    this.#list(line, why);
  }

  /** Adds those of a page. What can't be read is sent as `null`, so only the file can tell what is wrong with it. */
  addPage(result: Schemas["PageResult"], lineOf: (row: number) => number, known: (row: number) => Why | null): void {
    this.total += result.rejected_total;
    for (const { row, code, message } of result.rejected) this.#list(lineOf(row), known(row) ?? { code, message });
  }

  /** The groups, the largest first. */
  get groups(): readonly Rejection[] {
    const groups = [...this.#groups.values()].map(({ why, rows, lines }) => ({ ...why, rows, lines }));
    return groups.sort((one, other) => other.rows - one.rows || (one.lines[0] ?? 0) - (other.lines[0] ?? 0));
  }

  /** How many rejected rows are in no group. */
  get unlisted(): number {
    return this.total - this.#listed;
  }

  #list(line: number, why: Why): void {
    this.#listed += 1;
    const key = `${why.code} ${why.message}`;
    const group = this.#groups.get(key) ?? { why: { code: why.code, message: why.message }, rows: 0, lines: [] };
    this.#groups.set(key, group);
    group.rows += 1;
    // Pages end in any order.
    const place = group.lines.findIndex((other) => other > line);
    group.lines.splice(place === -1 ? group.lines.length : place, 0, line);
    group.lines.length = Math.min(group.lines.length, LINES);
  }
}
