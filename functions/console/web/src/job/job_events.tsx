import type { Schemas } from "../api/client.ts";
import { Commands } from "../ui/commands.tsx";
import { Empty } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { Time } from "../ui/time.tsx";
import { TokenName } from "./job_link.tsx";
import { jobPath, useEvents } from "./query.ts";

/** What happened to a job, as a timeline. */
export function JobEvents({ id }: { id: string }) {
  const events = useEvents(id);
  return (
    <Card title="Timeline">
      <Pages query={events} what="events">
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nothing has happened yet." />
          ) : (
            <ol className="timeline">
              {all.map((event) => (
                <Event key={`${event.at} ${event.kind}`} event={event} />
              ))}
            </ol>
          )
        }
      </Pages>
      <Commands path={`${jobPath(id)}/events`} command={["jobs", "events", id]} />
    </Card>
  );
}

function Event({ event: { at, text, token_id } }: { event: Schemas["Event"] }) {
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
            By <TokenName id={token_id} />
          </small>
        )}
      </span>
    </li>
  );
}
