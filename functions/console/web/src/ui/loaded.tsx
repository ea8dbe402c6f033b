import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isProblem } from "../api/problem.ts";
import { Notice, ProblemNotice } from "./notice.tsx";
import { clockTime } from "./time.tsx";

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  /** What is loaded, in words: "the job". */
  what: string;
  children: (data: T) => ReactNode;
}

/** What a query has loaded, or that it is loading, or why it has failed. What was loaded before stays, with its time. */
export function Loaded<T>({ query, what, children }: LoadedProps<T>) {
  const { data, error, isFetching, dataUpdatedAt, refetch } = query;
  const retry = () => void refetch();
  if (data === undefined) {
    if (error !== null) return <Failed problem={error} what={what} onRetry={retry} />;
    return <Loading what={what} />;
  }
  return (
    <>
      {error !== null && (
        <>
          <Notice kind="warning" title={`As of ${clockTime(new Date(dataUpdatedAt))}`}>
            This is not current: the last request for {what} has failed.
          </Notice>
          <ProblemNotice problem={error} onRetry={retry} />
        </>
      )}
      <div aria-busy={isFetching || undefined}>{children(data)}</div>
    </>
  );
}

/** That something is on its way, in the space that it will take. */
export function Loading({ what }: { what: string }) {
  return (
    <div className="loading" role="status">
      <span className="skeleton" aria-hidden="true" />
      <span className="skeleton" aria-hidden="true" />
      <span className="visually-hidden">Loading {what}</span>
    </div>
  );
}

/** Why something could not be loaded. What a role may not read, or the deployment does not keep, is no error. */
export function Failed({ problem, what, onRetry }: { problem: unknown; what: string; onRetry: () => void }) {
  if (isProblem(problem, 403)) return <ProblemNotice kind="info" problem={problem} title={unseen(what)} />;
  if (isProblem(problem, "journal_off")) return <ProblemNotice kind="info" problem={problem} />;
  return <ProblemNotice problem={problem} onRetry={onRetry} />;
}

const unseen = (what: string) => `You may not see ${what}`;

/** That the session may not see something, and why. */
export function Forbidden({ what, reason }: { what: string; reason: string }) {
  return (
    <Notice kind="info" title={unseen(what)}>
      {reason}
    </Notice>
  );
}

/** That there is nothing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}
