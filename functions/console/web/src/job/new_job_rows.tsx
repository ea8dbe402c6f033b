import { useEffect } from "react";
import type { Schemas } from "../api/client.ts";
import { type Layout, SEPARATORS } from "../rows/csv.ts";
import type { Format } from "../rows/format.ts";
import { PLAIN_LAYOUT } from "../rows/layout.ts";
import type { Reading } from "../rows/reading.ts";
import type { RowFile } from "../rows/source.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Facts } from "../ui/facts.tsx";
import { Focused } from "../ui/focused.tsx";
import { Seen } from "../ui/masked.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { number, plural } from "../ui/time.tsx";
import { LayoutFields } from "./new_job_layout.tsx";
import { Preview } from "./new_job_preview.tsx";
import { isTable, type ReadingResult, type ReadingState } from "./new_job_reading.ts";
import { RejectedRows } from "./new_job_rejections.tsx";
import { Source } from "./new_job_source.tsx";

interface RowsCardProps {
  file: RowFile | null;
  pasted: string;
  layout: Layout | null;
  state: ReadingState;
  action: Schemas["RowAction"];
  /** Whether they are settled, because a dry run was made of them. */
  isFixed: boolean;
  onPasted: (text: string) => void;
  onFile: (file: RowFile | null) => void;
  onLayout: (layout: Layout | null) => void;
}

/** The rows: where they come from, and what was read. */
export function RowsCard(props: RowsCardProps) {
  const { file, state, isFixed, onFile } = props;
  useSpoken(state);
  if (file === null) {
    return (
      <Card title="2. Rows">
        <Source pasted={props.pasted} onPasted={props.onPasted} onFile={onFile} />
      </Card>
    );
  }
  const result = state.step === "reading" ? state.before : state;
  return (
    <Card title="2. Rows" actions={isFixed ? undefined : <Button onClick={() => onFile(null)}>Use other rows</Button>}>
      <Focused label="Rows">
        {state.step === "reading" && <ReadingProgress file={file} state={state} />}
        {state.step === "failed" && <ProblemNotice problem={state.problem} />}
        {(result?.step === "read" || result?.step === "refused") && <Result {...props} file={file} result={result} />}
      </Focused>
    </Card>
  );
}

function ReadingProgress({ file, state }: { file: RowFile; state: Extract<ReadingState, { step: "reading" }> }) {
  return (
    <div className="progress">
      <progress aria-label="Read" value={state.bytes} max={Math.max(file.size, 1)} />
      <span>
        {state.isLooking ? "Looking at" : "Reading"} <Seen text={file.name} />: {megabytes(state.bytes)} of{" "}
        {megabytes(file.size)}
      </span>
    </div>
  );
}

type ResultProps = RowsCardProps & { file: RowFile; result: ReadingResult };

/** What a file is or why it can't be read, how somebody may change that, and its rows. */
function Result(props: ResultProps) {
  const { result, layout, action, isFixed, onLayout } = props;
  const { recognised } = result;
  const found = result.step === "read" && result.format.kind === "table" ? result.format.layout : PLAIN_LAYOUT;
  return (
    <>
      {result.step === "refused" ? (
        <Notice kind="bad" title="This file can't be read">
          {result.why.message}
        </Notice>
      ) : (
        <FileFacts file={props.file} result={result} />
      )}
      {isTable(recognised) && !isFixed && (
        <LayoutFields layout={layout ?? found} action={action} firstLines={recognised.firstLines} onLayout={onLayout} />
      )}
      {layout !== null && !isFixed && (
        <Notice kind="info" title="The file is read as you have said">
          <div className="stack">
            <p>A terminal reads it by the rules of the API only, so efface bulk can't finish what you begin here.</p>
            <div className="actions">
              <Button onClick={() => onLayout(null)}>Read it as it was recognised</Button>
            </div>
          </div>
        </Notice>
      )}
      {result.step === "read" && result.reading.rows > 0 && !isFixed && (
        <ReadRows reading={result.reading} action={action} />
      )}
    </>
  );
}

function FileFacts({ file, result }: { file: RowFile; result: Extract<ReadingResult, { step: "read" }> }) {
  const { recognised, format, reading } = result;
  if (reading.rows === 0) {
    return (
      <Notice kind="warning" title="The file has no rows">
        Choose another file, or paste rows.
      </Notice>
    );
  }
  return (
    <Facts
      facts={{
        File: <Seen text={file.name} />,
        Size: megabytes(file.size),
        Format: formatWords(format, recognised.isGzip),
        Header: format.kind === "table" && headerWords(format.layout),
        Rows: number(reading.rows),
        Invalid: number(reading.rejections.total),
        "Pages to send": number(reading.firstRows.length),
      }}
    />
  );
}

function ReadRows({ reading, action }: { reading: Reading; action: Schemas["RowAction"] }) {
  return (
    <>
      {reading.rejections.total === reading.rows && (
        <Notice kind="bad" title="Every row is invalid">
          It is not for what you have chosen under 1, or no file of rows. If it is a table, say above what its columns
          are.
        </Notice>
      )}
      <Preview rows={reading.shown} action={action} />
      <RejectedRows rejections={reading.rejections} />
      <p className="soft">No value is changed: not its letter case, nor blanks around it.</p>
    </>
  );
}

/** Says what was read, when it is. */
function useSpoken(state: ReadingState): void {
  const text =
    state.step === "read"
      ? `${plural(state.reading.rows, "row")} read, ${number(state.reading.rejections.total)} invalid.`
      : state.step === "refused"
        ? state.why.message
        : "";
  useEffect(() => {
    if (text !== "") announce(text);
  }, [text]);
}

function formatWords(format: Format, isGzip: boolean): string {
  const names = {
    document: "JSON",
    object: "JSON, one row",
    lines: "JSON lines",
    table: "CSV",
  } as const;
  const separator = format.kind === "table" ? SEPARATORS.find(([known]) => known === format.layout.separator) : null;
  const parts = [names[format.kind], separator ? `separated by ${separator[1]}` : "", isGzip ? "in gzip" : ""];
  return parts.filter((part) => part !== "").join(", ");
}

function headerWords({ hasHeader, columns }: Layout): string {
  if (hasHeader) return columns === null ? "the first line, which is left out" : "the first line names the columns";
  return columns === null ? "none: the number of cells says what they are" : "none";
}

/** A number of bytes, to a tenth of a megabyte. */
function megabytes(bytes: number): string {
  if (bytes < 100_000) return plural(bytes, "byte");
  return `${(bytes / 1e6).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;
}
