import { useEffect, useRef, useState } from "react";
import type { Schemas } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { pausing } from "../deletion/receipt_wait.ts";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { download } from "../ui/download.ts";
import { ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { plural } from "../ui/time.tsx";
import { readTable } from "./csv.ts";
import { csvPage } from "./query.ts";

/** From here on a terminal is the better place: the API gives 100 rows at once. */
const MANY = 100_000;

const TRIES = 5;

interface CsvDownloadProps {
  id: string;
  outcome: Schemas["Outcome"] | null;
  /** How many rows there are. */
  expected: number;
}

/** Reads all outcomes, page by page, and saves them as a file. */
export function CsvDownload({ id, outcome, expected }: CsvDownloadProps) {
  const { space } = useSession();
  const [rows, setRows] = useState<number | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const reading = useRef<AbortController | null>(null);
  useEffect(() => () => reading.current?.abort(), []);
  const start = async () => {
    const stop = new AbortController();
    reading.current = stop;
    setProblem(null);
    setRows(0);
    try {
      const table = await readTable(
        (next) => patiently(() => csvPage(space, id, outcome, next, stop.signal), stop.signal),
        setRows,
      );
      download(`${id}${outcome === null ? "" : `-${outcome}`}.csv`, table.text, "text/csv");
      announce(`${plural(table.rows, "row")} saved`);
    } catch (cause) {
      if (!stop.signal.aborted) setProblem(cause);
    }
    if (reading.current === stop) setRows(null);
  };
  return (
    <div className="stack">
      <div className="actions">
        <Button
          reason={expected === 0 ? "No row has such an outcome." : null}
          isBusy={rows !== null}
          onClick={() => void start()}
        >
          Download CSV
        </Button>
        {rows !== null && <Button onClick={() => reading.current?.abort()}>Stop</Button>}
      </div>
      {rows !== null && <Progress label="Rows read" done={rows} all={Math.max(rows, expected)} />}
      {rows === null && expected > MANY && (
        <small>
          This takes a while. For so many rows, use <code>efface jobs outcomes</code>.
        </small>
      )}
      {problem !== null && <ProblemNotice problem={problem} onRetry={() => void start()} />}
    </div>
  );
}

/** Asks again, ever more slowly, while the service is busy: a long table must not begin anew. */
async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal, tries = TRIES): Promise<T> {
  try {
    return await ask();
  } catch (problem) {
    if (tries === 1 || !(problem instanceof Problem) || !problem.isPassing) throw problem;
    await pausing(signal)(2 ** (TRIES - tries));
    return patiently(ask, signal, tries - 1);
  }
}
