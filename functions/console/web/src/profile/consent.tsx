import { useConsent } from "../job/consent.tsx";
import { Button } from "../ui/button.tsx";
import { DeletionProblem } from "../ui/deletion_problem.tsx";
import type { Write } from "./deletion_dialog.tsx";

interface ConsentProps {
  /** What is deleted, after "Delete". */
  what: string;
  write: Write;
  onConfirm: () => void;
  onCancel: () => void;
}

/** The consent to a deletion. Nothing is sent before its box is ticked and its button is pressed. */
export function Consent({ what, write, onConfirm, onCancel }: ConsentProps) {
  const { problem, isUncertain } = write;
  // After a success it stays so until the next screen is there.
  const isBusy = write.isPending || write.data !== undefined;
  const { isAgreed, field } = useConsent(
    `Delete ${what}. I have checked that this is the right person, and I know that it cannot be undone.`,
    isBusy,
  );
  return (
    <>
      {field}
      {problem !== null && !isBusy && (
        <DeletionProblem problem={problem} isUncertain={isUncertain} onRetry={isAgreed && onConfirm} />
      )}
      <div className="actions">
        <Button kind="danger" reason={isAgreed ? null : "Tick the box first."} isBusy={isBusy} onClick={onConfirm}>
          Confirm Delete
        </Button>
        <Button reason={isBusy ? "Wait for the response." : null} onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </>
  );
}
