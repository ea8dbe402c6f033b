/** Which entries are looked for, as the API takes it. What is absent is not asked for. */
export interface Filter {
  from?: string;
  to?: string;
  event?: string;
  token_id?: string;
  job_id?: string;
  request_id?: string;
  segment_id?: string;
  /** `type:value`: in memory only. */
  identifier?: string;
}

/** How far back the search goes. */
export const PERIODS = {
  day: "The last 24 hours",
  week: "The last 7 days",
  month: "The last 30 days",
  all: "All time",
  own: "A range of my own",
} as const;
export type Period = keyof typeof PERIODS;

const DAY_MS = 86_400_000;
const DAYS: Partial<Record<Period, number>> = { day: 1, week: 7, month: 30 };

/** What stands in the form. Times are those of the user's clock, as the browser's field writes them. */
export interface Draft {
  period: Period;
  from: string;
  to: string;
  event: string;
  token_id: string;
  job_id: string;
  request_id: string;
  segment_id: string;
  type: string;
  value: string;
}

export const EMPTY_DRAFT: Draft = {
  period: "week",
  from: "",
  to: "",
  event: "",
  token_id: "",
  job_id: "",
  request_id: "",
  segment_id: "",
  type: "email",
  value: "",
};

/** What the form asks for. */
export function filterOf(draft: Draft, now: Date): Filter {
  const { event, token_id, job_id, request_id, segment_id, type, value } = draft;
  const given = { ...rangeOf(draft, now), event, token_id, job_id, request_id, segment_id };
  const trimmed = Object.entries(given).map(([name, text]) => [name, text.trim()]);
  return {
    ...Object.fromEntries(trimmed.filter(([, text]) => text !== "")),
    // A value is what it is: blanks around it are a part of it.
    ...(value !== "" && { identifier: `${type}:${value}` }),
  };
}

function rangeOf({ period, from, to }: Draft, now: Date): { from: string; to: string } {
  if (period === "own") return { from: isoOf(from), to: isoOf(to) };
  const days = DAYS[period];
  return { from: days === undefined ? "" : new Date(now.getTime() - days * DAY_MS).toISOString(), to: "" };
}

function isoOf(local: string): string {
  return local === "" ? "" : new Date(local).toISOString();
}

/** What is wrong with a range, if anything is. */
export function rangeFault({ period, from, to }: Draft): string | null {
  const isReversed = period === "own" && from !== "" && to !== "" && new Date(from) >= new Date(to);
  return isReversed ? "The end must be later than the beginning." : null;
}

const OPTIONS: Record<keyof Filter, string> = {
  from: "--from",
  to: "--to",
  event: "--event",
  token_id: "--token",
  job_id: "--job",
  request_id: "--request",
  segment_id: "--segment",
  identifier: "--identifier",
};

/** The search as words of the command `efface`. */
export function commandOf(filter: Filter): string[] {
  const names = Object.keys(OPTIONS) as (keyof Filter)[];
  return ["audit", "search", ...names.flatMap((name) => (filter[name] ? [OPTIONS[name], filter[name]] : []))];
}

/** The search as a path of the space, for commands. */
export function pathOf(filter: Filter): string {
  const query = new URLSearchParams({ ...filter }).toString();
  return `/audit_events${query && `?${query}`}`;
}
