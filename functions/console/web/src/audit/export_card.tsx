import { useEffect, useRef, useState } from "react";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { download } from "../ui/download.ts";
import { ProblemNotice } from "../ui/notice.tsx";
import { plural } from "../ui/time.tsx";
import { Export } from "./export.ts";
import type { Filter } from "./filter.ts";
import { searchPage } from "./search.ts";

const PAGE = 100;

type Step = "idle" | "reading" | "stopped" | "whole";

/** Saves all entries that fit as a file, one a line. */
export function ExportCard({ filter }: { filter: Filter }) {
  const { space } = useSession();
  const [step, setStep] = useState<Step>("idle");
  const [count, setCount] = useState(0);
  const [problem, setProblem] = useState<unknown>(null);
  const found = useRef(new Export());
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const save = () => download("audit-log.ndjson", new Blob(found.current.lines), "application/x-ndjson");
  const run = async () => {
    const control = new AbortController();
    running.current = control;
    setStep("reading");
    setProblem(null);
    const read = (next: string) => searchPage(space, filter, next, PAGE, control.signal);
    try {
      await found.current.run(read, control.signal, () => setCount(found.current.count));
    } catch (cause) {
      if (!control.signal.aborted) setProblem(cause);
    }
    setStep(found.current.isWhole ? "whole" : "stopped");
    if (!found.current.isWhole) return;
    save();
    announce(`${plural(found.current.count, "entry", "entries")} saved.`);
  };
  const told = plural(count, "entry", "entries");
  return (
    <div className="stack">
      <div className="actions">
        {step === "idle" && <Button onClick={() => void run()}>Export as NDJSON</Button>}
        {step === "reading" && (
          <>
            <span>{told} so far.</span>
            <Button onClick={() => running.current?.abort()}>Stop</Button>
          </>
        )}
        {step === "stopped" && (
          <>
            <span>Stopped after {told}.</span>
            <Button onClick={() => void run()}>Go on</Button>
            {count > 0 && <Button onClick={save}>Save these</Button>}
          </>
        )}
        {step === "whole" && (
          <>
            <span>{told} exported: all that fit.</span>
            <Button onClick={save}>Save again</Button>
          </>
        )}
      </div>
      {problem !== null && <ProblemNotice problem={problem} onRetry={() => void run()} />}
    </div>
  );
}
