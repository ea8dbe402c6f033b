import { useEffect, useRef, useState } from "react";
import { announce } from "../ui/announce.tsx";
import { plural } from "../ui/time.tsx";
import type { VerifierKey } from "./note.ts";
import { type Checked, checkSource, type Source } from "./source.ts";
import { type Identifier, Verifier } from "./verify.ts";

/** Where a check is. */
export type CheckState =
  | { step: "idle" }
  | { step: "running"; source: string; done: number; all: number }
  | { step: "done"; results: Checked[] }
  | { step: "failed"; problem: unknown };

/** How often a check says how far it is. */
const SHOWN_MS = 200;

/** Checks receipts in this page. No request is made. */
export function useCheck() {
  const [state, setState] = useState<CheckState>({ step: "idle" });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const run = async (sources: readonly Source[], keys: readonly VerifierKey[], identifier: Identifier | null) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const verifier = new Verifier(keys);
    const results: Checked[] = [];
    let shown = 0;
    try {
      for (const source of sources) {
        const show = (done: number) => {
          if (performance.now() - shown < SHOWN_MS) return;
          shown = performance.now();
          setState({ step: "running", source: source.name, done, all: source.blob.size });
        };
        show(0);
        results.push(await checkSource(source, verifier, identifier, show, control.signal));
      }
      if (running.current !== control) return;
      setState({ step: "done", results });
      announce(told(results));
    } catch (problem) {
      if (running.current === control) setState({ step: "failed", problem });
    }
  };
  const stop = () => running.current?.abort();
  const forget = () => {
    stop();
    running.current = null;
    setState({ step: "idle" });
  };
  return { state, run, stop, forget };
}

function told(results: readonly Checked[]): string {
  const holding = results.filter(({ kind }) => kind === "holds").length;
  const lists = results.filter(({ kind }) => kind === "list").length;
  const bad = results.length - holding - lists;
  const parts = [
    holding > 0 ? `${plural(holding, "receipt")} ${holding === 1 ? "holds" : "hold"}.` : "",
    bad > 0 ? `${plural(bad, "receipt")} ${bad === 1 ? "does" : "do"} not hold.` : "",
    lists > 0 ? `${plural(lists, "list")} checked.` : "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}
