/** The date and time of day where the user is, to the second. */
export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span>–</span>;
  const time = new Date(at);
  return (
    <time dateTime={at} title={`${at} (UTC)`}>
      {time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })}
    </time>
  );
}

/** The time of day where the user is. */
export function clockTime(time: Date): string {
  return time.toLocaleTimeString(undefined, { timeStyle: "medium" });
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** A length of time in its largest unit: "about 6 minutes". */
export function about(seconds: number): string {
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return `about ${plural(Math.round(seconds / length), unit)}`;
  }
  return seconds < 5 ? "a few seconds" : `about ${plural(Math.round(seconds), "second")}`;
}

/** A number with its noun: "1 row", "1,203 rows". */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${number(count)} ${count === 1 ? noun : many}`;
}

/** A number with separators. */
export function number(count: number): string {
  return count.toLocaleString("en-US");
}
