import { type ReactNode, useState } from "react";
import { serverNow } from "../api/clock.ts";
import { Button } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { ConsentForm, consentTo } from "./consent.tsx";
import { limitFault, startFault } from "./new_job_request.ts";
import { useNow } from "./now.ts";
import { UNDO_SECONDS } from "./start_at.ts";

/** A time that was chosen passes, so it is looked at so often, in milliseconds. */
const LOOKED_MS = 2_000;

/** What somebody sets before a job deletes. */
export interface Limits {
  readonly maxDeletions: number | null;
  /** Null: as soon as it can no longer be undone. */
  readonly startAt: string | null;
}

interface ConfirmFormProps {
  /** What is deleted, with its number. Null where the rows are sent first: consent is asked for when they are there. */
  what: string | null;
  isBusy?: boolean;
  onConfirm: (limits: Limits) => void;
  onClose?: (() => void) | undefined;
  children: (limits: Limits) => ReactNode;
}

/** Limits and consent. Nothing is deleted before the box is ticked and the button pressed. */
export function ConfirmForm({ what, isBusy = false, onConfirm, onClose, children }: ConfirmFormProps) {
  const [most, setMost] = useState("");
  const [isLater, setLater] = useState(false);
  const [at, setAt] = useState("");
  const now = useNow(LOOKED_MS);
  const faultAt = (time: Date) => limitFault(most) ?? (isLater ? startFault(at, time) : null);
  const limits: Limits = {
    maxDeletions: limitFault(most) === null ? Number(most) || null : null,
    startAt: isLater && startFault(at, now) === null ? new Date(at).toISOString() : null,
  };
  return (
    <ConsentForm
      label={what && consentTo(what)}
      name="Send the rows"
      fault={faultAt(now)}
      isBusy={isBusy}
      onSend={() => faultAt(serverNow()) === null && onConfirm(limits)}
      beside={onClose && <Button onClick={onClose}>Close</Button>}
    >
      <div className="row">
        <TextField
          label="Max deletions (optional)"
          hint="The job pauses after so many, until somebody resumes it."
          inputMode="numeric"
          value={most}
          error={limitFault(most)}
          onValue={setMost}
        />
        <SelectField
          label="Start"
          hint="Until it starts you can undo it."
          value={isLater ? "later" : "soon"}
          onValue={(value) => setLater(value === "later")}
        >
          <option value="soon">{UNDO_SECONDS} seconds after Confirm Delete</option>
          <option value="later">at a time that I choose</option>
        </SelectField>
        {isLater && (
          <TextField
            label="Start at"
            type="datetime-local"
            hint="Your local time, at most 30 days ahead."
            value={at}
            error={at === "" ? null : startFault(at, now)}
            onValue={setAt}
          />
        )}
      </div>
      {children(limits)}
    </ConsentForm>
  );
}
