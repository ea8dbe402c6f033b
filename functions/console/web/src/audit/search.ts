import { useEffect, useState } from "react";
import { api, body, type Schemas, type Sent } from "../api/client.ts";
import { announce } from "../ui/announce.tsx";
import { ONCE } from "../ui/once.ts";
import { usePages } from "../ui/pages.tsx";
import { plural } from "../ui/time.tsx";
import { emptyAtEnd } from "./empty_pages.ts";
import type { Filter } from "./filter.ts";

export type AuditEvent = Schemas["AuditEvent"];

/** A page may be empty though the search goes on. So many of them are read in a row without being asked for. */
const MOST_EMPTY = 20;
/** After so many of them it is said that the search goes on. */
const SAID_AFTER = 5;

/** A page of the entries that fit. */
export function searchPage(filter: Filter, next: string, limit: number, signal: AbortSignal) {
  const sent = api().GET("/audit_events", { params: { query: { ...filter, limit, next } }, signal });
  // Only a request that accepts lines gets a text.
  return body(sent as Sent<Schemas["AuditEvents"]>);
}

/**
 * The entries that fit, page by page. Where a page is empty the next one is read at once, until one has entries, there are
 * no more, or somebody stops it. Nothing of it outlives the screen: a filter may hold an identifier. Another `run` is the
 * same search anew.
 */
export function useSearch(filter: Filter, run: number) {
  const [isStopped, setStopped] = useState(false);
  const [goesOnAfter, setGoesOnAfter] = useState(0);
  const query = usePages(["audit_events", filter, run], (next, signal) => searchPage(filter, next, 25, signal), ONCE);
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  const pages = data?.pages ?? [];
  const empty = emptyAtEnd(pages);
  const isSearching = hasNextPage && !isError && !isStopped && empty > 0 && pages.length - goesOnAfter <= MOST_EMPTY;
  useEffect(() => {
    if (!isSearching || isFetching) return;
    if (empty % SAID_AFTER === 0) announce(`Still searching: ${plural(empty, "page")} without an entry.`);
    void fetchNextPage();
  }, [isSearching, isFetching, empty, fetchNextPage]);
  const goOn = () => {
    setStopped(false);
    setGoesOnAfter(pages.length);
    void fetchNextPage();
  };
  return { query, pages, empty, isSearching, stop: () => setStopped(true), goOn };
}
