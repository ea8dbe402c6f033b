/** A page of a table, with where the next one is; null where it is the last. */
export interface CsvPage {
  text: string;
  next: string | null;
}

/** The `next` of a header `Link`; null where there is none. */
export function nextOfLink(link: string | null): string | null {
  const query = /<[^>]*\?([^>]*)>;\s*rel="?next"?/.exec(link ?? "")?.[1];
  return query === undefined ? null : new URLSearchParams(query).get("next");
}

/** Reads a table page by page. Each page begins with the header, which the whole has once. */
export async function readTable(
  read: (next: string) => Promise<CsvPage>,
  onRows: (rows: number) => void,
): Promise<{ text: string; rows: number }> {
  const pages: string[] = [];
  let rows = 0;
  for (let next: string | null = ""; next !== null; ) {
    const page: CsvPage = await read(next);
    const body = page.text.slice(page.text.indexOf("\n") + 1);
    pages.push(pages.length === 0 ? page.text : body);
    rows += body.split("\n").filter((line) => line !== "").length;
    onRows(rows);
    next = page.next;
  }
  return { text: pages.join(""), rows };
}
