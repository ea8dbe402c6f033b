import { useEffect, useRef, useState } from "react";
import { announce } from "../ui/announce.tsx";
import type { VerifierKey } from "./note.ts";
import { type Checked, checkSource, type Source } from "./source.ts";
import { type Identifier, Verifier } from "./verify.ts";
import { told } from "./words.ts";

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
