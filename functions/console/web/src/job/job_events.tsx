import type { Schemas } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { Commands } from "../ui/commands.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { More } from "../ui/more.tsx";
import { Card } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { TokenName } from "./job_link.tsx";
import { jobPath, useEvents } from "./query.ts";

/** What happened to a job, as a timeline. */
export function JobEvents({ id }: { id: string }) {
  const { space, details } = useSession();
  const events = useEvents(id);
  return (
    <Card title="Timeline">
      <Loaded query={events} what="the timeline">
        {({ pages }) => {
          const all = pages.flatMap(({ data }) => data);
          if (all.length === 0) return <Empty title="Nothing has happened yet." />;
          return (
            <ol className="timeline">
              {all.map((event) => (
                <Event key={`${event.at} ${event.kind}`} event={event} own={details.token.id} />
              ))}
            </ol>
          );
        }}
      </Loaded>
      <More query={events} what="events" />
      <Commands request={{ method: "GET", path: `${jobPath(space, id)}/events` }} command={["jobs", "events", id]} />
    </Card>
  );
}

function Event({ event: { at, text, token_id }, own }: { event: Schemas["Event"]; own: string }) {
  return (
    <li>
      <small>
        <Time at={at} />
      </small>
      <span>
        <bdi>{text}</bdi>
        {token_id && (
          <small>
            {" "}
            By <TokenName id={token_id} own={own} />
          </small>
        )}
      </span>
    </li>
  );
}
