import { useEffect, useMemo, useRef, useState } from "react";
import type { Schemas } from "../api/client.ts";
import type { Layout } from "../rows/csv.ts";
import { type Format, type Recognised, recognise } from "../rows/format.ts";
import { type Purpose, type Reading, readAll } from "../rows/reading.ts";
import type { RowFile } from "../rows/source.ts";
import { Unreadable } from "../rows/unreadable.ts";
import { useSession } from "../session/session.ts";

/** What the reading of a file has come to. */
export type ReadingResult =
  | { readonly step: "refused"; readonly recognised: Recognised; readonly why: Unreadable }
  | { readonly step: "read"; readonly recognised: Recognised; readonly format: Format; readonly reading: Reading };

/** How far the reading of a file is. While it is read in another way, the last result stays. */
export type ReadingState =
  | ReadingResult
  | { readonly step: "none" }
  | { readonly step: "failed"; readonly problem: unknown }
  | {
      readonly step: "reading";
      readonly bytes: number;
      readonly isLooking: boolean;
      readonly before: ReadingResult | null;
    };

/** The progress is shown so often, in milliseconds. */
const SHOWN_MS = 200;

/** Reads a file for an action, with the layout that somebody has given it. Anything else stops what was being read. */
export function useReading(file: RowFile | null, layout: Layout | null, action: Schemas["RowAction"]): ReadingState {
  const [state, setState] = useState<ReadingState>({ step: "none" });
  const last = useRef<{ file: RowFile; result: ReadingResult } | null>(null);
  const { identifier_types } = useSession().details.space;
  const types = useMemo(() => new Set(identifier_types.map(({ name }) => name)), [identifier_types]);
  useEffect(() => {
    if (file === null) return setState({ step: "none" });
    const stop = new AbortController();
    const before = last.current?.file === file ? last.current.result : null;
    const become = (next: ReadingState) => !stop.signal.aborted && setState(next);
    const onRead = (bytes: number, isLooking: boolean) => become({ step: "reading", bytes, isLooking, before });
    onRead(0, true);
    read(file, layout, { action, types }, stop.signal, onRead).then(
      (result) => {
        if (!stop.signal.aborted) last.current = { file, result };
        become(result);
      },
      (problem: unknown) => become({ step: "failed", problem }),
    );
    return () => stop.abort();
  }, [file, layout, action, types]);
  return state;
}

async function read(
  file: RowFile,
  layout: Layout | null,
  purpose: Purpose,
  signal: AbortSignal,
  onRead: (bytes: number, isLooking: boolean) => void,
): Promise<ReadingResult> {
  let shownAt = performance.now();
  const optionsFor = (isLooking: boolean) => ({
    signal,
    onRead: (bytes: number) => {
      if (performance.now() - shownAt < SHOWN_MS) return;
      shownAt = performance.now();
      onRead(bytes, isLooking);
    },
  });
  const recognised = await recognise(file, optionsFor(true));
  const format = formatOf(recognised, layout);
  if (format instanceof Unreadable) return { step: "refused", recognised, why: format };
  try {
    const reading = await readAll(file, format, purpose, optionsFor(false));
    return { step: "read", recognised, format, reading };
  } catch (why) {
    if (why instanceof Unreadable) return { step: "refused", recognised, why };
    throw why;
  }
}

/** What somebody has said of a table goes before what it looks like. What is no table stays what it is. */
function formatOf(recognised: Recognised, layout: Layout | null): Format | Unreadable {
  return layout !== null && isTable(recognised) ? { kind: "table", layout } : recognised.format;
}

/** Whether a file is a table, or may be one. */
export function isTable({ format }: Recognised): boolean {
  return format instanceof Unreadable ? format.isTable : format.kind === "table";
}
