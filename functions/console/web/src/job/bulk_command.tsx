import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { efface } from "../ui/shell.ts";
import { AtOnce } from "./execute_form.tsx";

interface BulkCommandProps {
  /** The words of `efface`. */
  command: readonly string[];
  /** When the job starts; null where at once. Undefined where nothing is deleted. */
  startAt?: string | null;
}

/** What is done with the rows of a file, as a command. There is none of curl: it would have to hold the rows. */
export function BulkCommand({ command, startAt }: BulkCommandProps) {
  const { space } = useSession();
  return (
    <div className="commands">
      <CopyButton label="Copy as efface" text={() => efface(command, space)} />
      {startAt === null && <AtOnce />}
    </div>
  );
}
