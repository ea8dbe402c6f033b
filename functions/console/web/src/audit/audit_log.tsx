import { useState } from "react";
import { serverNow } from "../api/clock.ts";
import { Permitted } from "../session/permitted.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Card, Page } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import { EntryPage } from "./entry_page.tsx";
import { ExportCard } from "./export_card.tsx";
import { commandOf, EMPTY_DRAFT, type Filter, filterOf, pathOf } from "./filter.ts";
import { FilterForm } from "./filter_form.tsx";
import { useSearch } from "./search.ts";

/** The audit log: a search of everything that happened in the space, compared with the signed log. */
export function AuditLog() {
  const [draft, setDraft] = useState(EMPTY_DRAFT);
  const [{ filter, run }, setSearch] = useState(() => ({ filter: filterOf(EMPTY_DRAFT, serverNow()), run: 0 }));
  const search = (next: Filter) => setSearch({ filter: next, run: run + 1 });
  const widen = () => {
    setDraft({ ...draft, period: "all" });
    const { from: _, to: __, ...rest } = filter;
    search(rest);
  };
  return (
    <Page title="Audit log">
      <Permitted permission="read_audit_log" what="the audit log">
        <FilterForm draft={draft} onChange={setDraft} onSearch={search} />
        <Found key={run} filter={filter} run={run} onWiden={widen} />
      </Permitted>
    </Page>
  );
}

function Found({ filter, run, onWiden }: { filter: Filter; run: number; onWiden: () => void }) {
  const { query, pages, empty, isSearching, stop, goOn } = useSearch(filter, run);
  const { hasNextPage, isFetching, isFetchNextPageError, error } = query;
  const count = pages.reduce((all, { data }) => all + data.length, 0);
  const first = pages.findIndex(({ data }) => data.length > 0);
  const isRange = filter.from !== undefined || filter.to !== undefined;
  return (
    <Card title="Entries, the newest first" actions={count > 0 ? <ExportCard filter={filter} /> : null}>
      <Loaded query={query} what="the audit log">
        {() => (
          <div className="stack">
            {pages.map(({ data, cursor }, at) =>
              data.length > 0 ? <EntryPage key={cursor.next || "last"} events={data} isFirst={at === first} /> : null,
            )}
            {count === 0 && !hasNextPage && (
              <Empty title={isRange ? "No entries in this range." : "No entries."}>
                {isRange && (
                  <p>
                    <Button onClick={onWiden}>Search all time</Button>
                  </p>
                )}
              </Empty>
            )}
          </div>
        )}
      </Loaded>
      {isFetchNextPageError && <ProblemNotice problem={error} onRetry={goOn} />}
      {isSearching && (
        <p>
          Still searching: {plural(empty, "page")} without an entry. <Button onClick={stop}>Stop</Button>
        </p>
      )}
      {hasNextPage && !isSearching && !isFetchNextPageError && (
        <p className="more">
          {empty > 0 && `${plural(empty, "page")} without an entry so far. `}
          <Button isBusy={isFetching} onClick={goOn}>
            {empty > 0 ? "Search on" : "More entries"}
          </Button>
        </p>
      )}
      <Commands path={pathOf(filter)} command={commandOf(filter)} />
    </Card>
  );
}
