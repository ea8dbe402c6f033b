import { useEffect, useRef } from "react";
import { useReason } from "../session/permission.ts";
import { Permitted } from "../session/permitted.tsx";
import { Commands } from "../ui/commands.tsx";
import { Facts } from "../ui/facts.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Value } from "../ui/masked.tsx";
import { Card, Page } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { Time } from "../ui/time.tsx";
import { JobStatus } from "./job_status.tsx";
import { Members } from "./members.tsx";
import { Notifications } from "./notifications.tsx";
import { segmentPath, useCount, useSegment } from "./query.ts";
import { SegmentActions } from "./segment_actions.tsx";
import { SegmentState } from "./state_tag.tsx";
import { hasJobInTheWay, kindOf, type Segment } from "./words.ts";

/** A segment: what it is, its job, and what can be done with it. */
export function SegmentScreen({ id }: { id: string }) {
  const segment = useSegment(id, useReason("read_segments") === null);
  return (
    <Page title="Segment">
      <Permitted permission="read_segments" what="user segments">
        <p>
          <Link href="/segments">User Segments</Link>
        </p>
        <Loaded query={segment} what="the segment">
          {(found) => <Whole segment={found} />}
        </Loaded>
      </Permitted>
    </Page>
  );
}

function Whole({ segment }: { segment: Segment }) {
  const { id, name, kind, state, job, notifications, created_at, disabled_at } = segment;
  const count = useCount(id);
  const { refetch } = count;
  const isRunning = hasJobInTheWay(segment);
  useWhenItEnds(isRunning, () => void refetch());
  return (
    <div className="stack">
      {job && isRunning && <JobStatus job={job} />}
      <Card title="Details" actions={<SegmentState state={state} />}>
        <Facts
          facts={{
            Name: <Value text={name} />,
            Id: <bdi className="id">{id}</bdi>,
            Kind: kindOf(kind),
            Members: <Members count={count} />,
            Created: <Time at={created_at} />,
            Disabled: disabled_at && <Time at={disabled_at} />,
          }}
        />
        <Commands path={`${segmentPath(id)}?count=true`} command={["segments", "show", id, "--count"]} />
      </Card>
      <SegmentActions segment={segment} members={count.data?.members} />
      <Notifications job={job ?? null} notifications={notifications} />
    </div>
  );
}

/** Does something when a job that was seen running is over. */
function useWhenItEnds(isRunning: boolean, effect: () => void): void {
  const last = useRef(isRunning);
  useEffect(() => {
    if (last.current && !isRunning) effect();
    last.current = isRunning;
  });
}
