import { useRef } from "react";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { download } from "../ui/download.ts";
import { ProblemNotice } from "../ui/notice.tsx";
import { plural } from "../ui/time.tsx";
import { useWork } from "../ui/work.ts";
import { Export } from "./export.ts";
import type { Filter } from "./filter.ts";
import { searchPage } from "./search.ts";

const PAGE = 100;

/** Saves all entries that fit as a file, one a line. */
export function ExportCard({ filter }: { filter: Filter }) {
  const { isRunning, problem, start, stop } = useWork();
  const { current: found } = useRef(new Export());
  const told = plural(found.count, "entry", "entries");
  const save = () => download("audit-log.ndjson", new Blob(found.lines), "application/x-ndjson");
  const run = () =>
    void start(async (signal, onCount) => {
      const read = (next: string) => searchPage(filter, next, PAGE, signal);
      await found.run(read, signal, () => onCount(found.count));
      if (!found.isWhole) return;
      save();
      announce(`${plural(found.count, "entry", "entries")} saved.`);
    });
  return (
    <div className="stack">
      <div className="actions">
        {isRunning ? (
          <>
            <span>{told} so far.</span>
            <Button onClick={stop}>Stop</Button>
          </>
        ) : found.isWhole ? (
          <>
            <span>{told} exported: all that fit.</span>
            <Button onClick={save}>Save again</Button>
          </>
        ) : found.count > 0 ? (
          <>
            <span>Stopped after {told}.</span>
            <Button onClick={run}>Go on</Button>
            <Button onClick={save}>Save these</Button>
          </>
        ) : (
          <Button onClick={run}>Export as NDJSON</Button>
        )}
      </div>
      {problem !== null && <ProblemNotice problem={problem} onRetry={run} />}
    </div>
  );
}
