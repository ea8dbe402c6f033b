import { useQuery } from "@tanstack/react-query";
import { serverNow } from "../api/clock.ts";
import { DoesNotHold } from "../receipt/fault.ts";
import { NoEd25519 } from "../receipt/note.ts";
import { useSession } from "../session/session.ts";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { ONCE } from "../ui/once.ts";
import { Link } from "../ui/route.tsx";
import { EntryRow } from "./entry.tsx";
import { checkEntries, type Head, type Mark, unpublished } from "./inclusion.ts";
import { useLogFiles } from "./log_files.ts";
import type { AuditEvent } from "./search.ts";

/** How long to wait before it is looked again whether entries were published. */
const AGAIN_MS = 5_000;

/** Compares entries with the log. Those that are not published yet are compared again. */
export function useMarks(events: readonly AuditEvent[]) {
  const { space } = useSession();
  const { pinned, head, tile } = useLogFiles();
  return useQuery({
    queryKey: ["log_marks", pinned, events.map(({ index }) => index)],
    queryFn: async () => {
      const signed = await head();
      const marks = signed
        ? await checkEntries(events, signed, space, tile, serverNow())
        : events.map((event) => unpublished(event, serverNow()));
      return { head: signed, marks };
    },
    refetchInterval: ({ state }) => (state.data?.marks.some(isAwaited) ? AGAIN_MS : false),
    ...ONCE,
    structuralSharing: false,
  });
}

const isAwaited = ({ kind }: Mark) => kind === "unpublished" || kind === "late";

/** Entries of one page, each with whether it is in the log. */
export function EntryPage({ events, isFirst }: { events: readonly AuditEvent[]; isFirst: boolean }) {
  const { data, error, refetch } = useMarks(events);
  return (
    <>
      {isFirst && data?.head && <Signed head={data.head} />}
      {error !== null && <NotCompared problem={error} onRetry={() => void refetch()} />}
      <ul className="entries">
        {events.map((event, at) => (
          <EntryRow key={event.index} event={event} mark={data?.marks[at]} />
        ))}
      </ul>
    </>
  );
}

/** By whom the head of the log is signed with which the entries were compared. */
function Signed({ head: { size, key, isPinned } }: { head: Head }) {
  return isPinned ? (
    <p>
      Compared with the log of {size.toString()} entries, signed by the key <code>{key.id}</code> that you have pinned.
    </p>
  ) : (
    <Notice kind="info" title="Compared with the log, under a key that the API itself gives">
      The log of {size.toString()} entries is signed by the key <code>{key.id}</code>. To be sure that it is the log's,
      compare it with what the operator has published elsewhere, and pin it under <Link href="/receipts">Receipts</Link>
      .
    </Notice>
  );
}

function NotCompared({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  if (problem instanceof DoesNotHold) {
    return (
      <Notice kind="bad" title="The log does not hold">
        <bdi>{problem.message}</bdi> The entries below were not compared with it.
      </Notice>
    );
  }
  if (problem instanceof NoEd25519) {
    return (
      <Notice kind="warning" title="The entries were not compared with the log">
        {problem.message}
      </Notice>
    );
  }
  return <ProblemNotice problem={problem} onRetry={onRetry} />;
}
