import {
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryOptions,
  type UseInfiniteQueryResult,
  useInfiniteQuery,
} from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Loaded } from "./loaded.tsx";
import { ProblemNotice } from "./notice.tsx";
import type { ONCE } from "./once.ts";

/** Where the next page of a list is. */
interface WithCursor {
  cursor: { has_more: boolean; next: string };
}

type Options<Page> = Pick<
  UseInfiniteQueryOptions<Page, Error, InfiniteData<Page>, QueryKey, string>,
  "enabled" | "placeholderData" | "refetchInterval" | keyof typeof ONCE
>;

/** A list that the API returns page by page. The first page has an empty `next`. */
export function usePages<Page extends WithCursor>(
  queryKey: QueryKey,
  read: (next: string, signal: AbortSignal) => Promise<Page>,
  options?: Options<Page>,
) {
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: "",
    getNextPageParam: nextOf,
    ...options,
  });
}

/** The cursor of the next page; undefined where there is none. */
export function nextOf({ cursor }: WithCursor): string | undefined {
  return cursor.has_more ? cursor.next : undefined;
}

interface PagesProps<Row> {
  query: UseInfiniteQueryResult<InfiniteData<{ data: readonly Row[] }>>;
  /** What the rows are: "jobs". */
  what: string;
  children: (rows: Row[]) => ReactNode;
}

/** All rows of the pages that are loaded, and a button for the next page. Rows of another question are dimmed. */
export function Pages<Row>({ query, what, children }: PagesProps<Row>) {
  return (
    <>
      <Loaded query={query} what={`the ${what}`}>
        {({ pages }) => (
          <div className={query.isPlaceholderData ? "stack dimmed" : "stack"}>
            {children(pages.flatMap(({ data }) => data))}
          </div>
        )}
      </Loaded>
      <More query={query} what={what} />
    </>
  );
}

/** The end of a list: a button for the next page, or why it could not be had. */
function More<T>({ query, what }: { query: UseInfiniteQueryResult<InfiniteData<T>>; what: string }) {
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
