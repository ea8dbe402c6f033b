import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { Button } from "./button.tsx";
import { ProblemNotice } from "./notice.tsx";

/** The end of a list that the API returns page by page: a button for the next one, or why it could not be had. */
export function More<T>({ query, what }: { query: UseInfiniteQueryResult<InfiniteData<T>>; what: string }) {
  const { hasNextPage, fetchNextPage, isFetchingNextPage, isFetchNextPageError, error } = query;
  const next = () => void fetchNextPage();
  if (isFetchNextPageError) return <ProblemNotice problem={error} onRetry={next} />;
  if (!hasNextPage) return null;
  return (
    <p className="more">
      <Button onClick={next} isBusy={isFetchingNextPage}>
        More {what}
      </Button>
    </p>
  );
}

/** The cursor of the next page, for `getNextPageParam`. */
export function nextOf({ cursor }: { cursor: { has_more: boolean; next: string } }): string | undefined {
  return cursor.has_more ? cursor.next : undefined;
}
