import { happen, makeJob } from "./job.mjs";
import { addProfile } from "./profile.mjs";
import { tokenId } from "./role.mjs";
import { makeSegment } from "./segment.mjs";

const AT = Date.now() - 86_400_000;

/** Texts that break pages: overlong, right to left, with control characters, combining ones, and with markup. */
export const UGLY = {
  long: "x".repeat(2_048),
  words: "word ".repeat(400).trim(),
  html: `<img src=x onerror="document.title='broken'"><b>bold</b>&amp;</td></table>`,
  rightToLeft: "\u05d0\u05d3\u05d4 \u05dc\u05d0\u05d1\u05dc\u05d9\u05d9\u05e1 (ada@example.com)",
  override: "safe\u202Egnp.exe\u202C and on",
  zalgo: `Z${"\u0300\u0323\u0489".repeat(40)}algo`,
  control: "tab\there, newline\nhere, bell\u0007, zero\u200Bwidth, nbsp\u00a0end",
  emoji:
    "\u{1F469}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466} \u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
  reserved: "a/../b?c#d%41:e+f&g=h",
  quotes: `it's "quoted" \\ and $HOME \`backtick\``,
};

/** A profile, segments and jobs whose every text is ugly. */
export function seedUgly(space) {
  space.types.set("a-type-whose-name-is-as-long-as-such-names-can-be_0123456789.0123", "none");
  const segments = Object.entries(UGLY).map(([name, text]) => {
    const isDisabled = name === "override";
    const shown = [...text.replaceAll(/[\p{Cc}]/gu, " ")].slice(0, 100).join("").trim();
    return makeSegment(space, { id: `seg_${name}`, name: shown, at: AT, disabled_at: isDisabled ? AT : null }).id;
  });
  makeSegment(space, { id: `seg_${"long".repeat(15)}`, name: "Long id", at: AT });
  const identifiers = Object.values(UGLY).flatMap((id) => [
    { type: "user_id", id: [...id].slice(0, 2_000).join("") },
    { type: "email", id },
  ]);
  const numbered = Array.from({ length: 300 }, (_, place) => [`trait_${String(place).padStart(3, "0")}`, place]);
  const traits = {
    ...UGLY,
    ...Object.fromEntries(numbered),
    nested: { list: [1, [2, { three: UGLY.html }]], empty: {} },
  };
  traits[UGLY.rightToLeft] = UGLY.rightToLeft;
  traits[UGLY.html] = UGLY.html;
  traits.large_number = 12345678901234567890n.toString();
  traits.nothing = null;
  const named = [{ type: "user_id", id: "ugly" }, ...identifiers];
  const root = addProfile(space, { external_ids: named, traits, segments, at: AT });
  const into = { type: "user_id", id: "ugly" };
  const other = [{ type: "anonymous_id", id: UGLY.override }];
  addProfile(space, { external_ids: other, merged_into: into, at: AT, traits: { only_here: root.id } });
  for (const group of ["<script>alert(1)</script>", "x".repeat(128), 'it\'s "quoted" & %41']) addJob(space, group);
}

function addJob(space, group) {
  const given = { action: "delete_profile", created_by: tokenId("eff_privacy_admin"), at: AT, group, isHeld: true };
  const job = makeJob(space, { ...given, size: 3, outcomeAt: () => "deleted", next: 3 });
  job.counts.deleted = 3;
  Object.assign(job, { state: "completed", started_at: AT, finished_at: AT + 5_000, verified_at: AT + 6_000 });
  happen(space, job, "completed", AT + 5_000);
  happen(space, job, "verified", AT + 6_000);
}
