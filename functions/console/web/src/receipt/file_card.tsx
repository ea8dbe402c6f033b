import { Button } from "../ui/button.tsx";
import { Drop } from "../ui/drop.tsx";
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
  return (
    <Card title="1. The receipt">
      <Drop
        title="Drop receipts here"
        action="Choose files"
        multiple
        error={error}
        onFiles={(files) => onSources(files.map((blob) => ({ name: blob.name, blob })))}
      >
        Receipts, or the list of a job with one receipt a line, of any size.
      </Drop>
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
          onValue={onPasted}
        />
      </details>
    </Card>
  );
}
