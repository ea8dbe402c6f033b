import type { ReactNode } from "react";

export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  /** Numbers are aligned at their last digit. */
  isNumber?: boolean;
}

interface TableProps<T> {
  /** What the rows are. Screen readers say it; the page shows it only where `hasCaption`. */
  caption: string;
  hasCaption?: boolean;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** What stands in place of the table where there are no rows. */
  empty: ReactNode;
  rowClass?: (row: T) => string | undefined;
  /** Opens a row on a double click. The row has a link that does the same. */
  onOpen?: (row: T) => void;
}

/** A table. The first column names the row. On narrow screens it scrolls by itself, also by keyboard. */
export function Table<T>({
  caption,
  hasCaption = false,
  columns,
  rows,
  rowKey,
  empty,
  rowClass,
  onOpen,
}: TableProps<T>) {
  if (rows.length === 0) return <>{empty}</>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="table-scroll" aria-label={caption} tabIndex={0}>
      <table>
        <caption className={hasCaption ? undefined : "visually-hidden"}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, isNumber }) => (
              <th key={head} scope="col" className={isNumber ? "number" : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={rowClass?.(row)} onDoubleClick={onOpen && (() => onOpen(row))}>
              {columns.map(({ head, cell, isNumber }, place) =>
                place === 0 ? (
                  <th key={head} scope="row" className={isNumber ? "number" : undefined}>
                    {cell(row)}
                  </th>
                ) : (
                  <td key={head} className={isNumber ? "number" : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
