import { useState } from "react";
import { JobLink } from "../job/job_link.tsx";
import { StateTag } from "../job/state_tag.tsx";
import { useReason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Commands } from "../ui/commands.tsx";
import { CheckField } from "../ui/field.tsx";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { More } from "../ui/more.tsx";
import { Page } from "../ui/page.tsx";
import { Link, navigate } from "../ui/route.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useSegments } from "./query.ts";
import { SegmentState } from "./state_tag.tsx";
import { KINDS, type Segment } from "./words.ts";

const addressOf = (id: string) => `/segments/${encodeURIComponent(id)}`;

const COLUMNS: Column<Segment>[] = [
  {
    head: "Name",
    cell: ({ id, name }) => (
      <div className="text-cell long value">
        <Link href={addressOf(id)}>
          <bdi>{name}</bdi>
        </Link>
      </div>
    ),
  },
  {
    head: "Id",
    cell: ({ id }) => (
      <div className="text-cell value">
        <bdi className="id">{id}</bdi>
      </div>
    ),
  },
  { head: "Kind", cell: ({ kind }) => KINDS[kind] },
  { head: "State", cell: ({ state }) => <SegmentState state={state} /> },
  {
    head: "Job",
    cell: ({ job }) =>
      job ? (
        <>
          <JobLink id={job.id} /> <StateTag job={job} />
        </>
      ) : (
        "–"
      ),
  },
];

/** User Segments: all of them, the disabled ones only where they are asked for. */
export function SegmentList() {
  const reason = useReason("read_segments");
  return (
    <Page title="User Segments">{reason === null ? <List /> : <Forbidden what="user segments" reason={reason} />}</Page>
  );
}

function List() {
  const { space } = useSession();
  const [isShowingDisabled, setShowingDisabled] = useState(false);
  const segments = useSegments(isShowingDisabled);
  return (
    <div className="card">
      <CheckField
        label="Show Disabled"
        checked={isShowingDisabled}
        onChange={(event) => setShowingDisabled(event.target.checked)}
      />
      <Loaded query={segments} what="the segments">
        {({ pages }) => (
          <Table
            caption="User Segments"
            columns={COLUMNS}
            rows={pages.flatMap(({ data }) => data)}
            rowKey={({ id }) => id}
            rowClass={({ state }) => (state === "disabled" ? "disabled-segment" : undefined)}
            onOpen={({ id }) => navigate(addressOf(id))}
            empty={<NoSegments isShowingDisabled={isShowingDisabled} />}
          />
        )}
      </Loaded>
      <More query={segments} what="segments" />
      <p className="soft">Members are counted on a segment's own screen.</p>
      <Commands
        request={{
          method: "GET",
          path: `/v1/spaces/${space}/segments${isShowingDisabled ? "?show_disabled=true" : ""}`,
        }}
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
