import type { PlannedProfile } from "./query.ts";

/** A profile with those that were merged into it. */
export interface Merged {
  id: string;
  members: Merged[];
}

/** The tree that the profiles of a merged profile make. One whose root is not listed is at the top itself. */
export function treeOf(profiles: readonly PlannedProfile[]): Merged[] {
  const nodes = new Map(profiles.map(({ id }) => [id, { id, members: [] as Merged[] }]));
  const top: Merged[] = [];
  for (const { id, merged_into } of profiles) {
    const node = nodes.get(id);
    if (node === undefined) continue;
    const into = !merged_into || merged_into === id ? undefined : nodes.get(merged_into);
    (into?.members ?? top).push(node);
  }
  return top;
}
