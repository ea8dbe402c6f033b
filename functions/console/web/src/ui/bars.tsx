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
  const most = Math.max(1, ...bars.map(sum));
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
            const height = (value / most) * HEIGHT;
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
          {bars[0]?.name} to {bars.at(-1)?.name}; the tallest bar is {number(most)}
        </span>
      </figcaption>
      <details>
        <summary>The numbers</summary>
        <table>
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{of}</th>
              {series.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.name}>
                <th scope="row">{bar.name}</th>
                {bar.values.map((value, row) => (
                  <td key={series[row]} className="number">
                    {number(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
