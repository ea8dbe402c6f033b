import { isOver } from "./job.mjs";
import { jobOf } from "./job_access.mjs";
import { limitOf, linkOf, pageOf } from "./page.mjs";
import { journalOff, notFound, notLoggedYet, Problem } from "./problem.mjs";
import { keyOf, selectorOf } from "./profile.mjs";

const IMMUTABLE = "private, max-age=31536000, immutable";
const asText = (text) => ({ text, headers: { "Content-Type": "text/plain; charset=utf-8" } });
const noFile = () => new Problem(404, "not_found", "The log of this space has nothing under this name.");

function logOf({ space }) {
  if (!space.hasJournal) throw journalOff();
  return space.log;
}

function checkpoint(context) {
  const log = logOf(context);
  const size = log.size();
  if (size === 0) throw noFile();
  return asText(log.checkpoint(size));
}

function key(context) {
  return { body: { keys: [{ key: logOf(context).key, from: 1, to: null }] } };
}

/** A tile of hashes or a bundle of entries: `L/N`, `L/N.p/W`, `entries/N` or `entries/N.p/W`. */
function tile(context) {
  const log = logOf(context);
  const found = /^(\d+|entries)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(context.parts.join("/"));
  if (found === null) throw noFile();
  const [, level, digits, partial] = found;
  const number = Number(digits.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? 256 : Number(partial);
  const span = level === "entries" ? 1 : 256 ** Number(level);
  if (width < 1 || width > 256 || (number * 256 + width) * span > log.size()) throw noFile();
  const text = level === "entries" ? log.bundle(number, width) : log.tile(Number(level), number, width);
  return { text, headers: { "Content-Type": "application/octet-stream", "Cache-Control": IMMUTABLE } };
}

function receiptOf(log, entry) {
  const size = log.size();
  if (entry.index >= size) throw notLoggedYet();
  return log.receipt(entry, size);
}

function identifierReceipt(context) {
  const log = logOf(context);
  const { space, parts, query } = context;
  const { type, value } = selectorOf(parts[0]);
  const wanted = query.get("index");
  const own = log.entries.filter((entry) => entry.key === keyOf(space, type, value));
  const fits = ({ index, facts }) =>
    wanted === null ? facts.event === "identifier.removed" : index === Number(wanted);
  const entry = own.filter(fits).at(-1);
  if (entry === undefined) throw notFound("Receipt");
  return asText(receiptOf(log, entry));
}

function jobReceipt(context) {
  const log = logOf(context);
  const job = jobOf(context, context.parts[0]);
  if (!isOver(job) || job.end === undefined) {
    throw new Problem(404, "not_found", "The job is not over: there is a receipt once it is.");
  }
  return asText(receiptOf(log, job.end));
}

function jobReceipts(context) {
  const log = logOf(context);
  const job = jobOf(context, context.parts[0]);
  limitOf(context.query);
  const isOwn = ({ facts, index }) =>
    facts.event === "identifier.removed" && facts.job_id === job.id && index < log.size();
  const page = pageOf(log.entries.filter(isOwn), context);
  const line = (entry) => {
    const { index, page: of, row, facts } = entry;
    return JSON.stringify({ index, page: of, row, id_type: facts.id_type, receipt: receiptOf(log, entry) });
  };
  const text = page.data.map((entry) => `${line(entry)}\n`).join("");
  return { text, headers: { "Content-Type": "application/x-ndjson", ...linkOf(page, context) } };
}

export const LOG_ROUTES = [
  ["GET", "log/checkpoint", "read_audit_log", checkpoint],
  ["GET", "log/key", "read_audit_log", key],
  ["GET", "log/tile/*", "read_audit_log", tile],
  ["GET", "receipts/:", "read_audit_log", identifierReceipt],
  ["GET", "deletion_jobs/:/receipt", "read_audit_log", jobReceipt],
  ["GET", "deletion_jobs/:/receipts", "read_audit_log", jobReceipts],
];
