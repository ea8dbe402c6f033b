import { Table } from "./table.tsx";
import { number } from "./time.tsx";

export interface Bar {
  /** What the bar is about, such as a day. */
  name: string;
  /** A number for each series. */
  values: readonly number[];
}

interface BarsProps {
  title: string;
  /** What the first column of the table names. */
  of: string;
  /** The series, from the bottom of each bar. */
  series: readonly string[];
  bars: readonly Bar[];
}

const HEIGHT = 120;
const STEP = 20;
const WIDTH = 14;

/** Stacked bars, and the same numbers as a table. */
export function Bars({ title, of, series, bars }: BarsProps) {
  const sum = (bar: Bar) => bar.values.reduce((all, value) => all + value, 0);
  const tallest = Math.max(0, ...bars.map(sum));
  const total = bars.reduce((all, bar) => all + sum(bar), 0);
  return (
    <figure className="bars">
      <svg
        viewBox={`0 0 ${bars.length * STEP} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: ${number(total)} in all`}
        preserveAspectRatio="none"
      >
        {bars.map((bar, place) => {
          let top = HEIGHT;
          return bar.values.map((value, row) => {
            const height = (value / Math.max(1, tallest)) * HEIGHT;
            top -= height;
            return (
              <rect
                key={`${bar.name} ${series[row]}`}
                className={`series-${row}`}
                x={place * STEP + (STEP - WIDTH) / 2}
                y={top}
                width={WIDTH}
                height={height}
              >
                <title>{`${bar.name}: ${number(value)} ${series[row]}`}</title>
              </rect>
            );
          });
        })}
      </svg>
      <figcaption>
        <ul className="legend">
          {series.map((name, row) => (
            <li key={name}>
              <span className={`key series-${row}`} aria-hidden="true" /> {name}
            </li>
          ))}
        </ul>
        <span>
          {bars[0]?.name} to {bars.at(-1)?.name}; the tallest bar is {number(tallest)}
        </span>
      </figcaption>
      <details>
        <summary>The numbers</summary>
        <Table
          caption={title}
          rows={bars}
          rowKey={({ name }) => name}
          cells={({ name, values }) => ({
            [of]: name,
            ...Object.fromEntries(series.map((head, row) => [head, values[row]])),
          })}
        />
      </details>
    </figure>
  );
}
