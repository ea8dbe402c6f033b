import type { AuditEvent } from "./search.ts";

/** A page of a search, as far as it matters to an export. */
interface Page {
  data: readonly AuditEvent[];
  cursor: { has_more: boolean; next: string };
}

/**
 * Reads a whole search as lines of JSON, page by page. What was read stays in `lines` when it is stopped or fails: so it can
 * go on from there, or be saved as it is.
 */
export class Export {
  readonly lines: string[] = [];
  count = 0;
  isWhole = false;
  #next = "";

  async run(read: (next: string) => Promise<Page>, signal: AbortSignal, onPage: () => void): Promise<void> {
    while (!this.isWhole && !signal.aborted) {
      const { data, cursor } = await read(this.#next);
      this.lines.push(data.map((event) => `${JSON.stringify(event)}\n`).join(""));
      this.count += data.length;
      this.isWhole = !cursor.has_more;
      this.#next = cursor.next;
      onPage();
    }
  }
}
