import type { Schemas } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { pausing } from "../deletion/receipt_wait.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { download } from "../ui/download.ts";
import { ProblemNotice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { plural } from "../ui/time.tsx";
import { useWork } from "../ui/work.ts";
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
  const { isRunning, done, problem, start, stop } = useWork();
  const read = () =>
    void start(async (signal, onRows) => {
      const table = await readTable((next) => patiently(() => csvPage(id, outcome, next, signal), signal), onRows);
      download(`${id}${outcome === null ? "" : `-${outcome}`}.csv`, table.text, "text/csv");
      announce(`${plural(table.rows, "row")} saved`);
    });
  return (
    <div className="stack">
      <div className="actions">
        <Button reason={expected === 0 ? "No row has such an outcome." : null} isBusy={isRunning} onClick={read}>
          Download CSV
        </Button>
        {isRunning && <Button onClick={stop}>Stop</Button>}
      </div>
      {isRunning && <Progress label="Rows read" done={done} all={Math.max(done, expected)} />}
      {!isRunning && expected > MANY && (
        <small>
          This takes a while. For so many rows, use <code>efface jobs outcomes</code>.
        </small>
      )}
      {problem !== null && <ProblemNotice problem={problem} onRetry={read} />}
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
