import { useState } from "react";
import { JobLink } from "../job/job_link.tsx";
import { StateTag } from "../job/state_tag.tsx";
import { Permitted } from "../session/permitted.tsx";
import { Commands } from "../ui/commands.tsx";
import { CheckField } from "../ui/field.tsx";
import { Empty } from "../ui/loaded.tsx";
import { Page } from "../ui/page.tsx";
import { Pages } from "../ui/pages.tsx";
import { navigate } from "../ui/route.tsx";
import { Table } from "../ui/table.tsx";
import { useSegments } from "./query.ts";
import { SegmentLink, segmentRoute } from "./segment_link.tsx";
import { SegmentState } from "./state_tag.tsx";
import { kindOf, type Segment } from "./words.ts";

function cellsOf({ id, name, kind, state, job }: Segment) {
  return {
    Name: (
      <div className="text-cell long value">
        <SegmentLink id={id} name={name} />
      </div>
    ),
    Id: (
      <div className="text-cell value">
        <bdi className="id">{id}</bdi>
      </div>
    ),
    Kind: kindOf(kind),
    State: <SegmentState state={state} />,
    Job: job ? (
      <>
        <JobLink id={job.id} /> <StateTag job={job} />
      </>
    ) : (
      "–"
    ),
  };
}

/** User Segments: all of them, the disabled ones only where they are asked for. */
export function SegmentList() {
  return (
    <Page title="User Segments">
      <Permitted permission="read_segments" what="user segments">
        <List />
      </Permitted>
    </Page>
  );
}

function List() {
  const [isShowingDisabled, setShowingDisabled] = useState(false);
  return (
    <div className="card">
      <CheckField label="Show Disabled" checked={isShowingDisabled} onValue={setShowingDisabled} />
      <Pages query={useSegments(isShowingDisabled)} what="segments">
        {(rows) => (
          <Table
            caption="User Segments"
            rows={rows}
            rowKey={({ id }) => id}
            cells={cellsOf}
            rowClass={({ state }) => (state === "disabled" ? "disabled-segment" : undefined)}
            onOpen={({ id }) => navigate(segmentRoute(id))}
            empty={<NoSegments isShowingDisabled={isShowingDisabled} />}
          />
        )}
      </Pages>
      <p className="soft">Members are counted on a segment's own screen.</p>
      <Commands
        path={`/segments${isShowingDisabled ? "?show_disabled=true" : ""}`}
        command={["segments", "list", ...(isShowingDisabled ? ["--show-disabled"] : [])]}
      />
    </div>
  );
}

/** Why the list is empty: there are none, or they are all disabled. */
function NoSegments({ isShowingDisabled }: { isShowingDisabled: boolean }) {
  const any = useSegments(true, 1, !isShowingDisabled);
  const hasDisabled = any.data?.pages.some(({ data }) => data.length > 0) ?? false;
  if (any.isLoading) return null;
  return hasDisabled ? (
    <Empty title="All are disabled: tick Show Disabled." />
  ) : (
    <Empty title="No segments.">
      <p>Segments are made by loads, or with the command efface segments create.</p>
    </Empty>
  );
}
