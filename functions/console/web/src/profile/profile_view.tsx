import { useState } from "react";
import type { Schemas } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { Problem } from "../api/problem.ts";
import { Id } from "../deletion/record_facts.tsx";
import { useReason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Facts } from "../ui/facts.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Link, navigate } from "../ui/route.tsx";
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
  if (error instanceof Problem && error.status === 404) return <NoSuchProfile />;
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
  const { space } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const reason = useReason("delete_profiles");
  const { segment_id: root } = metadata;
  const path = fillPath(
    "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/metadata",
    profilePath(space, ownSelector(root)),
  );
  const close = (isDone: boolean) => {
    setDeleting(false);
    if (isDone) navigate("/profiles");
  };
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
        facts={[
          ["Own id", <Id key="id" id={root} />],
          ["Created", <Time key="created" at={metadata.created_at} />],
          ["Last addition", <Time key="updated" at={metadata.updated_at} />],
        ]}
      />
      <Commands request={{ method: "GET", path }} command={["profile", "show", ownSelector(root)]} />
      {isDeleting && <DeleteProfile root={root} onClose={close} />}
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
      <ul>
        {ids.map((id) => (
          <li key={id} className="id">
            {mayRead ? <Link href={`/segments/${encodeURIComponent(id)}`}>{id}</Link> : id}
          </li>
        ))}
      </ul>
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
