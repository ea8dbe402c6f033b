import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { encodeSelector } from "../api/path.ts";
import { NearMisses, useIsLowercase } from "../profile/identifier_form.tsx";
import type { Identifier } from "../profile/query.ts";
import { useReason } from "../session/permission.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { Time } from "../ui/time.tsx";
import { GetReceipt } from "./get_receipt.tsx";
import { knownOf, RECORDS } from "./query.ts";
import { RecordFacts } from "./record_facts.tsx";
import { type Status, statusOf } from "./status.ts";

const TITLES: Record<Status["kind"], string> = {
  deleted: "This identifier was deleted",
  came_back: "This identifier came back",
  active: "This identifier is active",
  never: "This identifier was never deleted here",
  running: "A deletion may be running",
  no_record: "There is no record of a deletion",
};

/** What has become of an identifier: deleted, active, active again, or never known. */
export function IdentifierStatus({ identifier }: { identifier: Identifier }) {
  const readProfiles = useReason("read_profiles") === null;
  const readLog = useReason("read_audit_log") === null;
  const isLowercase = useIsLowercase(identifier.type);
  const selector = `${identifier.type}:${identifier.id}`;
  const known = useQuery({
    queryKey: [RECORDS, selector],
    queryFn: () => knownOf(selector, { readProfiles, readLog }),
    gcTime: 0,
  });
  return (
    <Loaded query={known} what="the record">
      {(found) => {
        const status = statusOf(found, identifier.id, isLowercase);
        return (
          <Card title={TITLES[status.kind]}>
            <Said text={TITLES[status.kind]} />
            <Details status={status} identifier={identifier} onLook={() => void known.refetch()} />
            <Commands path={`/deletions/${encodeSelector(selector)}`} command={["deletion", "show", selector]} />
          </Card>
        );
      }}
    </Loaded>
  );
}

/** Says to screen readers what the search has come to. */
function Said({ text }: { text: string }) {
  useEffect(() => announce(`${text}.`), [text]);
  return null;
}

interface DetailsProps {
  status: Status;
  identifier: Identifier;
  /** Looks again. */
  onLook: () => void;
}

function Details({ status, identifier, onLook }: DetailsProps) {
  const subject = { identifier: `${identifier.type}:${identifier.id}` };
  switch (status.kind) {
    case "deleted":
      return (
        <>
          <p>No profile is found by it any more. The record does not hold the value.</p>
          <RecordFacts record={status.record} />
          <GetReceipt subject={subject} isKept={status.record.propagation.log.state !== "off"} />
        </>
      );
    case "came_back":
      return (
        <>
          <Active kind="warning" status={status}>
            It was deleted at <Time at={status.removedAt} />, and something has brought it again since. If that is
            wrong, stop what sends it, and delete it again.
          </Active>
          <p>The record has ended, because the identifier is active. The receipt of its last deletion stays.</p>
          <GetReceipt subject={subject} />
        </>
      );
    case "active":
      return (
        <Active kind="info" status={status}>
          {status.isFirst ? "It was never deleted here." : <NotKnown />}
        </Active>
      );
    case "never":
      return (
        <>
          <p>No profile has it, and there is no record of a deletion. It may be mistyped:</p>
          <NearMisses identifier={identifier} />
          <p>If its deletion has only just begun, look again in a minute.</p>
        </>
      );
    case "running":
      return (
        <>
          <p>It was here, and there is no record of a deletion yet. Wait a moment, then look again.</p>
          <Button onClick={onLook}>Look again</Button>
        </>
      );
    case "no_record":
      return <NoRecord />;
  }
}

interface ActiveProps {
  kind: "info" | "warning";
  status: { since: string | null; profileId: string | null };
  children: ReactNode;
}

/** That an identifier is active, where, and since when. */
function Active({ kind, status, children }: ActiveProps) {
  const { since, profileId } = status;
  return (
    <Notice kind={kind} title="A profile has this identifier now">
      <p>{children}</p>
      {since !== null && (
        <p>
          Active since <Time at={since} />.
        </p>
      )}
      {profileId !== null && <Link href={`/profiles/${profileId}`}>Show the profile</Link>}
    </Notice>
  );
}

function NotKnown() {
  const reason = useReason("read_audit_log");
  return <>Whether it was deleted before is not shown. {reason ?? "This deployment keeps no audit log."}</>;
}

function NoRecord() {
  return (
    <p>It was never deleted here, or it is active again. Which of them is not shown: {useReason("read_profiles")}</p>
  );
}
