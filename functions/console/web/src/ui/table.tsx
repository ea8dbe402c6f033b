import type { ReactNode } from "react";
import { number } from "./time.tsx";

/** The cells of a row, by the heads of their columns. */
export type Cells = Readonly<Record<string, ReactNode>>;

interface TableProps<T> {
  /** What the rows are, for screen readers. */
  caption: string;
  rows: readonly T[];
  rowKey: (row: T) => string;
  cells: (row: T) => Cells;
  /** What stands in place of the table where there are no rows. */
  empty?: ReactNode;
  rowClass?: (row: T) => string | undefined;
  /** Opens a row on a double click. The row has a link that does the same. */
  onOpen?: (row: T) => void;
}

/**
 * A table. The first column names the row. A column whose first cell is a number has numbers, which are aligned at their last
 * digit. On narrow screens it scrolls by itself, also by keyboard.
 */
export function Table<T>({ caption, rows, rowKey, cells, empty = null, rowClass, onOpen }: TableProps<T>) {
  const [first] = rows;
  if (first === undefined) return empty;
  const heads = Object.entries(cells(first)).map(([head, cell]) => ({
    head,
    className: typeof cell === "number" ? "number" : undefined,
  }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="table-scroll" aria-label={caption} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {heads.map(({ head, className }) => (
              <th key={head} scope="col" className={className}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={rowClass?.(row)} onDoubleClick={onOpen && (() => onOpen(row))}>
              {Object.values(cells(row)).map((cell, place) => {
                const { head, className } = heads[place] ?? {};
                const shown = typeof cell === "number" ? number(cell) : cell;
                return place === 0 ? (
                  <th key={head} scope="row" className={className}>
                    {shown}
                  </th>
                ) : (
                  <td key={head} className={className}>
                    {shown}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
