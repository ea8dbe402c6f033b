import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { encodeSelector } from "../api/path.ts";
import { isProblem } from "../api/problem.ts";
import { useReason } from "../session/permission.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { download } from "../ui/download.ts";
import { Focused } from "../ui/focused.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { ONCE } from "../ui/once.ts";
import { navigate } from "../ui/route.tsx";
import { RECORDS, type ReceiptSubject, receiptOf } from "./query.ts";
import { handReceipt } from "./receipt_store.ts";
import { fileName, MOST_SECONDS, NotLoggedYet, pausing, whenLogged } from "./receipt_wait.ts";

/** Gets the receipt of a deletion or a job on demand, and waits for the log where it has to. */
export function GetReceipt({ subject, isKept = true }: { subject: ReceiptSubject; isKept?: boolean }) {
  const queries = useQueryClient();
  const mayRead = useReason("read_audit_log");
  const [isAsked, setAsked] = useState(false);
  const [isWaiting, setWaiting] = useState(false);
  const wait = () => {
    setWaiting(true);
    announce("Waiting for the audit log.");
  };
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["receipt", subject],
    enabled: isAsked,
    queryFn: async ({ signal }) => {
      setWaiting(false);
      const { data } = await whenLogged(() => receiptOf(subject, signal), pausing(signal), wait);
      // A record on the screen may say that the log does not have it yet.
      void queries.invalidateQueries({ queryKey: [RECORDS] });
      return data;
    },
    ...ONCE,
  });
  const ask = () => (isAsked ? void refetch() : setAsked(true));
  const reason = mayRead ?? (isKept ? null : "This deployment keeps no audit log, so there are no receipts.");
  if (data !== undefined) {
    return (
      <Focused label="The receipt">
        <Receipt text={data} subject={subject} />
      </Focused>
    );
  }
  const { identifier } = subject as { identifier?: string };
  return (
    <div className="stack">
      {error !== null && !isFetching && (
        <Focused label="No receipt">
          <NoReceipt problem={error} onRetry={ask} />
        </Focused>
      )}
      {isFetching && isWaiting && (
        <p>
          The deletion is done. Its receipt proves that it is in the signed audit log, which is published up to a minute
          later. The console waits for that: {MOST_SECONDS} seconds at most.
        </p>
      )}
      {(error === null || isFetching) && (
        <Button reason={reason} isBusy={isFetching} onClick={ask}>
          {isFetching ? (isWaiting ? "Waiting for the audit log" : "Getting the receipt") : "Get receipt"}
        </Button>
      )}
      {identifier !== undefined && isKept && (
        <Commands
          of="receipt "
          path={`/receipts/${encodeSelector(identifier)}`}
          command={["receipt", "get", identifier]}
        />
      )}
    </div>
  );
}

function NoReceipt({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  if (problem instanceof NotLoggedYet) {
    return (
      <Notice kind="info" title="The audit log does not have it yet">
        <p>What was deleted is deleted: only its proof is not there yet. It usually takes less than a minute.</p>
        <Button onClick={onRetry}>Wait again</Button>
      </Notice>
    );
  }
  if (isProblem(problem, 404)) return <ProblemNotice kind="info" problem={problem} title="There is no receipt" />;
  return <ProblemNotice problem={problem} onRetry={onRetry} />;
}

/** A receipt that has arrived: a file for who must be able to prove the deletion, and a way to check it here. */
function Receipt({ text, subject }: { text: string; subject: ReceiptSubject }) {
  const isOfJob = "job" in subject;
  const check = () => {
    handReceipt({ text, identifier: isOfJob ? null : subject.identifier });
    navigate("/receipts");
  };
  return (
    <Notice kind="good" title="The receipt is ready">
      <div className="stack">
        <p>
          Anybody can check it without Efface, also years later.
          {!isOfJob && " It lets its holder try out identifiers, so keep it as safe as the identifier itself."}
        </p>
        <div className="actions">
          <Button kind="primary" onClick={() => download(fileName(text), text)}>
            Download receipt
          </Button>
          <Button onClick={check}>Check it now</Button>
        </div>
      </div>
    </Notice>
  );
}
