import { createHash } from "node:crypto";

const BYTES = { deleted: 1, duplicate: 2, not_found: 3, invalid: 4, protected: 5, failed: 6, changed: 9 };
const PAGE_ROWS = 100_000;

/** The digest of what a verified job did with each row, as `docs/audit-log.md` defines it. */
export function digestOf(job) {
  let digest = Buffer.alloc(32);
  for (const [number, bytes] of pagesOf(job)) {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(number);
    digest = createHash("sha256").update(digest).update(head).update(Buffer.from(bytes)).digest();
  }
  return digest.toString("base64url");
}

/** The outcomes as bytes, by page, in the order of the pages' numbers. */
function pagesOf(job) {
  const pages = new Map();
  const add = (page, outcome) => {
    if (!pages.has(page)) pages.set(page, []);
    pages.get(page).push(BYTES[outcome]);
  };
  if (job.size === undefined) for (const [at, { page }] of job.rows.entries()) add(page, job.results[at].outcome);
  else for (let at = 0; at < job.next; at += 1) add(Math.floor(at / PAGE_ROWS), job.outcomeAt(at));
  return [...pages].sort(([a], [b]) => a - b);
}
