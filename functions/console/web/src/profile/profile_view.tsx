import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import { SegmentLink } from "../segment/segment_link.tsx";
import { useDeletionReason, useReason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Facts } from "../ui/facts.tsx";
import { Id } from "../ui/id.tsx";
import { Lines } from "../ui/lines.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Seen } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { DeleteProfile } from "./delete_profile.tsx";
import { IdentifierTable } from "./identifier_table.tsx";
import { MergeTree } from "./merge_tree.tsx";
import { ownSelector, profilePath, useExtent, useMetadata } from "./query.ts";
import { TraitTable } from "./trait_table.tsx";

/** Everything that is known of the profile with this own id, or of the one that it was merged into. */
export function ProfileView({ id }: { id: string }) {
  const metadata = useMetadata(id);
  const { error } = metadata;
  if (isProblem(error, 404)) return <NoSuchProfile />;
  return (
    <Loaded query={metadata} what="the profile">
      {(found) => (
        <div className="stack">
          <Summary metadata={found} />
          <IdentifierTable root={found.segment_id} />
          <TraitTable root={found.segment_id} />
          <MergesAndSegments root={found.segment_id} />
        </div>
      )}
    </Loaded>
  );
}

function Summary({ metadata }: { metadata: Schemas["Metadata"] }) {
  const [isDeleting, setDeleting] = useState(false);
  const reason = useDeletionReason("delete_profiles");
  const { segment_id: root } = metadata;
  return (
    <Card
      title="Profile"
      actions={
        <Button kind="danger" reason={reason} onClick={() => setDeleting(true)}>
          Delete profile
        </Button>
      }
    >
      <Facts
        facts={{
          "Own id": <Id id={root} />,
          Created: <Time at={metadata.created_at} />,
          "Last addition": <Time at={metadata.updated_at} />,
        }}
      />
      <Commands path={`${profilePath(ownSelector(root))}/metadata`} command={["profile", "show", ownSelector(root)]} />
      {isDeleting && <DeleteProfile root={root} onClose={() => setDeleting(false)} />}
    </Card>
  );
}

/** What was merged, and where the profile is a member. Both come from the plan of its deletion. */
function MergesAndSegments({ root }: { root: string }) {
  const extent = useExtent(root);
  return (
    <div className="cards">
      <Card title="Merged profiles">
        <Loaded query={extent} what="the merged profiles">
          {({ goes }) => <MergeTree profiles={goes.profiles} />}
        </Loaded>
      </Card>
      <Card title="Segments">
        <Loaded query={extent} what="the segments">
          {({ goes, is_complete }) => <Segments ids={goes.segments} isComplete={is_complete} />}
        </Loaded>
      </Card>
    </div>
  );
}

function Segments({ ids, isComplete }: { ids: readonly string[]; isComplete: boolean }) {
  const mayRead = useReason("read_segments") === null;
  if (ids.length === 0) return <Empty title="The profile is in no segment." />;
  return (
    <>
      <Lines of={ids} show={(id) => (mayRead ? <SegmentLink id={id} /> : <Seen text={id} />)} />
      {!isComplete && <p className="soft">The profile is very large: not all of it is listed here.</p>}
    </>
  );
}

/** An own id finds nothing. Of own ids there are no records, so the way on is an identifier. */
function NoSuchProfile() {
  return (
    <Empty title="There is no profile with this id.">
      <p>It was deleted, or it never existed. Look up an identifier of the person: the console then says which.</p>
    </Empty>
  );
}
