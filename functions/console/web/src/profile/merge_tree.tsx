import { plural } from "../ui/time.tsx";
import { type Merged, treeOf } from "./merge.ts";
import type { PlannedProfile } from "./query.ts";

/** The profiles that make one merged profile: the root, and below it what was merged into it. */
export function MergeTree({ profiles }: { profiles: readonly PlannedProfile[] }) {
  const merged = profiles.filter(({ merged_into }) => merged_into !== null).length;
  return (
    <>
      <p className="soft">
        {merged === 0 ? "Nothing was merged into this profile." : `${plural(merged, "profile")} merged into the root.`}
      </p>
      <Nodes nodes={treeOf(profiles)} isTop />
    </>
  );
}

function Nodes({ nodes, isTop = false }: { nodes: readonly Merged[]; isTop?: boolean }) {
  return (
    <ul>
      {nodes.map(({ id, members }) => (
        <li key={id}>
          <span className="id">{id}</span> <span className="tag">{isTop ? "root" : "member"}</span>
          {members.length > 0 && <Nodes nodes={members} />}
        </li>
      ))}
    </ul>
  );
}
