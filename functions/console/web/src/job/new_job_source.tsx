import type { RowFile } from "../rows/source.ts";
import { Button } from "../ui/button.tsx";
import { Drop } from "../ui/drop.tsx";
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
  return (
    <>
      <Drop title="Drop a file here" action="Choose a file" onFiles={([file]) => file && onFile(file)}>
        CSV, JSON or JSON lines in UTF-8, or gzip of these. It is read in this page, and nothing is sent before you make
        the dry run.
      </Drop>
      <details open={pasted !== "" || undefined}>
        <summary>Paste rows</summary>
        <div className="stack">
          <AreaField
            label="Rows"
            hint="One a line, as in a file."
            className="id"
            rows={6}
            value={pasted}
            onValue={onPasted}
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
