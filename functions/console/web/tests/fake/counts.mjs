import { badRequest, journalOff } from "./problem.mjs";

const DAY = 86_400_000;
const dayOf = (at) => new Date(at).toISOString().slice(0, 10);

function parameter(query, name, otherwise) {
  const text = query.get(name);
  if (text === null) return Date.parse(dayOf(otherwise));
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw badRequest(`The query parameter \`${name}\` must be a day, such as 2026-11-22.`);
  }
  return Date.parse(text);
}

/** Deletions by day: those of the log, and what the seed says of days before. */
export function countsByDay({ space, query, at }) {
  if (!space.hasJournal) throw journalOff();
  const to = parameter(query, "to", at);
  const from = parameter(query, "from", to - 29 * DAY);
  if (from > to) throw badRequest("The query parameter `from` must not be later than `to`.");
  const data = [];
  for (let day = from; day <= to; day += DAY) {
    const before = space.earlierCounts?.(Math.round((Date.parse(dayOf(at)) - day) / DAY)) ?? {};
    data.push({ day: dayOf(day), identifiers: before.identifiers ?? 0, profiles: before.profiles ?? 0 });
  }
  const place = new Map(data.map((entry) => [entry.day, entry]));
  for (const { at: then, facts } of space.log.entries) {
    const entry = place.get(dayOf(then));
    if (entry && facts.event === "identifier.removed") entry.identifiers += 1;
    if (entry && facts.event === "profile.deleted") entry.profiles += 1;
  }
  return { body: { data } };
}
