import { removeIdentifier, removeProfile } from "./deletion.mjs";
import { addProfile } from "./profile.mjs";
import { tokenId } from "./role.mjs";
import { seedJobs } from "./seed_job.mjs";
import { makeSegment } from "./segment.mjs";
import { dashed, uuid7 } from "./space.mjs";

const DAY = 86_400_000;
const NAMES = ["Ada", "Grace", "Linus", "Margaret", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken"];

/** Profiles, segments, deletions and jobs as a space has them that is in use. */
export function seedDemo(space) {
  const start = Date.now() - 60 * DAY;
  space.log.append({ event: "space.created", version: 1 }, start);
  space.types.set("loyalty_id", "lowercase");
  space.earlierCounts = (days) =>
    days === 0 ? {} : { identifiers: (days * 37) % 90, profiles: days % 7 === 0 ? 0 : (days * 13) % 25 };
  makeSegment(space, { id: "seg_vip", name: "VIP", at: start });
  makeSegment(space, { id: "seg_newsletter", name: "Newsletter", kind: "subscriber_list", at: start });
  makeSegment(space, { id: "seg_inactive", name: "Inactive for two years", kind: "user_segment", at: start });
  makeSegment(space, { id: "seg_nobody", name: "Nobody yet", at: start });
  makeSegment(space, { id: "seg_old_campaign", name: "Old campaign", at: start, disabled_at: start + 20 * DAY });
  makeSegment(space, {
    id: "seg_uncountable",
    name: "Everybody (too large to count)",
    kind: "user_segment",
    at: start,
  });
  makeSegment(space, { id: "seg_emptying", name: "Spring campaign", at: start });
  for (let number = 4; number <= 140; number += 1) addPerson(space, number, start + number * 60_000);
  addKnown(space, start);
  seedDeletions(space, start + 30 * DAY);
  seedJobs(space);
}

function addPerson(space, number, at) {
  const id = String(number).padStart(3, "0");
  const segments = ["seg_newsletter"];
  if (number % 5 === 0) segments.push("seg_inactive");
  if (number % 7 === 0) segments.push("seg_emptying");
  if (number % 3 === 0) segments.push("seg_uncountable");
  addProfile(space, {
    external_ids: [
      { type: "user_id", id: `user_${id}` },
      { type: "email", id: `user${id}@example.com` },
      { type: "anonymous_id", id: `anon-${(number * 7919).toString(16)}` },
    ],
    traits: { first_name: NAMES[number % NAMES.length], plan: number % 4 ? "free" : "pro", orders: number },
    segments,
    at,
  });
}

/** The people whom `cargo local` has as well, and some that are special. */
function addKnown(space, at) {
  const add = (ids, rest) =>
    addProfile(space, { external_ids: ids.map(([type, id]) => ({ type, id })), at: at + DAY, ...rest });
  const ada = [
    ["user_id", "user_001"],
    ["email", "example@gmail.com"],
    ["email", "ada@example.com"],
  ];
  const traits = { first_name: "Ada", plan: "pro", email: "ada@example.com", orders: 17, address: { city: "London" } };
  add([...ada, ["anonymous_id", "6f1b2c3d"]], { traits, segments: ["seg_vip"] });
  const phone = ["android.idfa", "38400000-8cf0-11bd-b23e-10b96e40000d"];
  add([["user_id", "user_002"], ["user_id", "user_002_old"], phone], { traits: { first_name: "Grace", plan: "free" } });
  add(
    [
      ["user_id", "user_003"],
      ["email", "linus@example.com"],
    ],
    { traits: { plan: "free" }, segments: ["seg_vip"] },
  );
  const into = { type: "user_id", id: "user_003" };
  add(
    [
      ["anonymous_id", "a9d8c7"],
      ["ios.idfa", "EA7583CD-A667-48BC-B806-42ECB2B48606"],
    ],
    { merged_into: into },
  );
  add(
    [
      ["anonymous_id", "b7e6f5"],
      ["email", "linus.work@example.com"],
    ],
    { merged_into: into, traits: { plan: "team" } },
  );
  add(
    [
      ["user_id", "takes_long"],
      ["email", "takes_long@example.com"],
    ],
    {},
  );
  add(
    [
      ["user_id", "fails_once"],
      ["email", "fails_once@example.com"],
    ],
    {},
  );
  add(
    [
      ["user_id", "fails_always"],
      ["email", "fails_always@example.com"],
    ],
    {},
  );
  add(
    [
      ["user_id", "Upper_Case"],
      ["email", "upper@example.com"],
    ],
    {},
  );
  add([["email", "nothing-else@example.com"]], {});
}

/** Deletions of the past: of identifiers, of a profile, and of one that has come back. */
function seedDeletions(space, at) {
  const by = { token_id: tokenId("eff_identity_admin"), request_id: dashed(uuid7(at)), at };
  const ids = [
    { type: "user_id", id: "left_001" },
    { type: "email", id: "deleted@example.com" },
    { type: "email", id: "back@example.com" },
  ];
  const person = addProfile(space, { external_ids: ids, at: at - DAY });
  for (const found of [...space.identifiers.values()].filter(
    ({ profile, type }) => profile === person.id && type === "email",
  )) {
    removeIdentifier(space, found, { ...by, at: at + 1_000 });
  }
  addProfile(space, { external_ids: [ids[0], ids[2]], at: at + DAY });
  const gone = addProfile(space, {
    external_ids: [
      { type: "user_id", id: "gone_001" },
      { type: "email", id: "gone@example.com" },
    ],
    at,
  });
  removeProfile(space, gone, { ...by, token_id: tokenId("eff_privacy_admin"), at: at + 2 * DAY });
}
