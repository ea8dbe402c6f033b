import { linkOf, pageOf } from "./page.mjs";
import { badRequest, journalOff } from "./problem.mjs";
import { keyOf, selectorOf } from "./profile.mjs";

const FILTERS = ["event", "token_id", "job_id", "request_id", "segment_id"];
const KNOWN = new Set([...FILTERS, "from", "to", "identifier", "limit", "next"]);

function timeOf(query, name) {
  const text = query.get(name);
  if (text === null) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw badRequest(`The query parameter \`${name}\` must be a time in RFC 3339.`);
  return at;
}

function body({ index, facts }) {
  const of = (name) => facts[name] ?? null;
  return {
    index,
    time: facts.time,
    event: facts.event,
    id_type: of("id_type"),
    subject: of("subject"),
    token_id: of("token_id"),
    request_id: of("request_id"),
    job_id: of("job_id"),
    segment_id: of("segment_id"),
    reason: of("reason"),
    counts: of("counts"),
  };
}

function search(context) {
  const { space, query, accept } = context;
  if (!space.hasJournal) throw journalOff();
  for (const name of query.keys()) {
    if (!KNOWN.has(name)) throw badRequest(`The query parameter \`${name}\` is unknown.`);
  }
  const [from, to] = [timeOf(query, "from"), timeOf(query, "to")];
  const wanted = FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : []));
  const identifier = query.get("identifier") && selectorOf(query.get("identifier"));
  const key = identifier && keyOf(space, identifier.type, identifier.value);
  const fits = (entry) =>
    (from === null || entry.at >= from) &&
    (to === null || entry.at < to) &&
    (!key || entry.key === key) &&
    wanted.every(([name, value]) => entry.facts[name] === value);
  const page = pageOf(space.log.entries.filter(fits).reverse(), context);
  const data = page.data.map(body);
  if (accept.includes("application/x-ndjson")) {
    const text = data.map((line) => `${JSON.stringify(line)}\n`).join("");
    return { text, headers: { "Content-Type": "application/x-ndjson", ...linkOf(page, context) } };
  }
  const size = space.log.size();
  const log = { size, root: size === 0 ? null : space.log.root(size).toString("base64") };
  return { body: { data, log, cursor: page.cursor } };
}

export const AUDIT_ROUTES = [["GET", "audit_events", "read_audit_log", search]];
