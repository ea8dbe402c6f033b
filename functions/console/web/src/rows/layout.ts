import { type Columns, WANTED } from "./columns.ts";
import { type Layout, namedSeparator, type Separator, splitCells } from "./csv.ts";

/** What a row of a table is made of: found by itself, one cell of `type:value`, or several. */
export type Made = "auto" | Columns["shape"];

/** Where a part of a row comes from: the cell of a column, or a text that is the same in all rows. */
export type Part = Columns["used"][number];

/** What a table was, if nobody has said what its columns are. */
export const PLAIN_LAYOUT: Layout = { separator: ",", hasHeader: false, columns: null };

/** The cells of a table's first line. */
export function firstCells(firstLines: readonly string[], separator: Separator): readonly string[] {
  const [first = "", second = ""] = firstLines;
  const cells = splitCells(namedSeparator(first.trimStart()) === null ? first : second, separator);
  return typeof cells === "string" ? [] : cells;
}

/** The names of the parts of a row, in their order. */
export function partsOf(made: Columns["shape"]): readonly string[] {
  return made === "text" ? ["type:value"] : WANTED[made];
}

/** The layout in which a row is made so: of the first columns, until somebody says of which. */
export function madeOf(layout: Layout, made: Made, cells: readonly string[]): Layout {
  if (made === "auto") return { ...layout, columns: null };
  const used = partsOf(made).map((_, place) => Math.min(place, Math.max(0, cells.length - 1)));
  return { ...layout, columns: { width: widthOf(layout, cells), shape: made, used } };
}

/** The layout with another source of one part of a row. */
export function withPart(layout: Layout, place: number, part: Part): Layout {
  const { columns } = layout;
  if (columns === null) return layout;
  return { ...layout, columns: { ...columns, used: columns.used.map((old, at) => (at === place ? part : old)) } };
}

/** The layout with another separator or header. What the columns are has to be said again for another separator. */
export function changedLayout(layout: Layout, change: Partial<Layout>, firstLines: readonly string[]): Layout {
  const next = { ...layout, ...change };
  if (next.columns === null) return next;
  if (next.separator !== layout.separator) return { ...next, columns: null };
  return { ...next, columns: { ...next.columns, width: widthOf(next, firstCells(firstLines, next.separator)) } };
}

/** How many cells a row needs: as many as the first line, without columns at its end that have no names. */
function widthOf({ hasHeader }: Layout, cells: readonly string[]): number {
  return hasHeader ? cells.findLastIndex((cell) => cell.trim() !== "") + 1 : cells.length;
}
