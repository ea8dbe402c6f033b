import { type DragEvent, useState } from "react";
import { Button } from "../ui/button.tsx";
import { AreaField } from "../ui/field.tsx";
import { Card } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import type { Source } from "./source.ts";

interface FileCardProps {
  sources: readonly Source[];
  pasted: string;
  error: string | null;
  onSources: (sources: readonly Source[]) => void;
  onPasted: (text: string) => void;
}

/** The receipts to check: files that are dropped or chosen, or a text. */
export function FileCard({ sources, pasted, error, onSources, onPasted }: FileCardProps) {
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null) => {
    if (files && files.length > 0) onSources([...files].map((blob) => ({ name: blob.name, blob })));
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
    <Card title="1. The receipt">
      <label
        className={`empty drop ${isOver ? "over" : ""}`}
        onDragOver={over}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <span className="empty-title">Drop receipts here</span>
        <span className="button">Choose files</span>
        <input
          type="file"
          multiple
          className="visually-hidden"
          aria-invalid={error !== null || undefined}
          aria-describedby={error === null ? undefined : "receipt-error"}
          onChange={(event) => take(event.target.files)}
        />
        <small>Receipts, or the list of a job with one receipt a line. Of any size: nothing is uploaded.</small>
      </label>
      {error !== null && (
        <small id="receipt-error" className="field-error">
          {error}
        </small>
      )}
      {sources.length > 0 && (
        <p>
          {sources.length === 1 ? <bdi>{sources[0]?.name}</bdi> : plural(sources.length, "file")}{" "}
          <Button kind="quiet" onClick={() => onSources([])}>
            Remove
          </Button>
        </p>
      )}
      <details open={pasted !== "" || undefined}>
        <summary>Paste a receipt</summary>
        <AreaField
          label="Receipt"
          hint="A program may change a text that it copies. If the receipt does not hold, try its file."
          className="id"
          rows={6}
          value={pasted}
          onChange={(event) => onPasted(event.target.value)}
        />
      </details>
    </Card>
  );
}
