import { seedDemo } from "./seed_demo.mjs";
import { seedMany } from "./seed_many.mjs";
import { seedUgly } from "./seed_ugly.mjs";
import { makeSpace } from "./space.mjs";

/** The spaces, by what they are for. Each is made anew at each start. */
export const SENTINELS = {
  spa_demo: "rich data: profiles, segments, and a job in each state",
  spa_empty: "nothing at all",
  spa_slow: "every response after 3 s",
  spa_503: "signing in works, all other reads answer 503",
  spa_forbidden: "signing in works, all else is 403",
  spa_expires: "401 from the 10th request after each sign-in on",
  spa_many: "10,000 jobs, 500 segments, 1,000 profiles",
  spa_ugly: "2 KB values, right-to-left and control characters, HTML, 300 traits",
  spa_off: "no audit log: 409 journal_off for it, for receipts and for deletions/counts",
  spa_approval: "jobs of more than 10 rows await the approval of a second token (eff_<role>_2)",
};

const SETTINGS = { spa_off: { hasJournal: false }, spa_approval: { approvalOver: 10 } };
const SEEDS = { spa_empty: () => {}, spa_many: seedMany, spa_ugly: seedUgly };

/** All spaces with their data. */
export function makeSpaces() {
  const spaces = new Map();
  for (const id of Object.keys(SENTINELS)) {
    const space = makeSpace(id, SETTINGS[id]);
    (SEEDS[id] ?? seedDemo)(space);
    space.log.sort();
    spaces.set(id, space);
  }
  return spaces;
}
