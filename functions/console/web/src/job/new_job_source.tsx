import { type DragEvent, useState } from "react";
import type { RowFile } from "../rows/source.ts";
import { Button } from "../ui/button.tsx";
import { AreaField } from "../ui/field.tsx";

/** The name of rows that were pasted, as a file of them would be called. */
export const PASTED = "rows.txt";

interface SourceProps {
  pasted: string;
  onPasted: (text: string) => void;
  onFile: (file: RowFile) => void;
}

/** Where rows come from: a file that is dropped or chosen, or a text that is pasted. */
export function Source({ pasted, onPasted, onFile }: SourceProps) {
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file !== undefined) onFile(file);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <>
      <label
        className={`empty drop ${isOver ? "over" : ""}`}
        onDragOver={over}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <span className="empty-title">Drop a file here</span>
        <span className="button">Choose a file</span>
        <input type="file" className="visually-hidden" onChange={(event) => take(event.target.files)} />
        <small>
          CSV, JSON or JSON lines in UTF-8, or gzip of these. It is read in this page, and nothing is sent before you
          make the dry run.
        </small>
      </label>
      <details open={pasted !== "" || undefined}>
        <summary>Paste rows</summary>
        <div className="stack">
          <AreaField
            label="Rows"
            hint="One a line, as in a file."
            className="id"
            rows={6}
            value={pasted}
            onChange={(event) => onPasted(event.target.value)}
          />
          <div className="actions">
            <Button
              reason={pasted.trim() === "" ? "Paste at least one row." : null}
              onClick={() => onFile(new File([pasted], PASTED))}
            >
              Use these rows
            </Button>
          </div>
        </div>
      </details>
    </>
  );
}
