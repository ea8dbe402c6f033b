import { type Schemas, spacePath } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { curl, efface, quote } from "../ui/shell.ts";

/** A job of one row, as commands: `efface` reads its rows from a file or, as here, from standard input. */
export function RowCommands({ job }: { job: Schemas["CreateJobBody"] & { rows: unknown[] } }) {
  const { space } = useSession();
  const path = `${spacePath(space)}/deletion_jobs`;
  const bulk = () => efface(["bulk", "-", "--action", job.action, "--yes"], space);
  return (
    <div className="commands">
      <CopyButton label="Copy as curl" text={() => curl({ method: "POST", path, body: job })} />
      <CopyButton
        label="Copy as efface"
        text={() => `printf '%s\\n' ${quote(JSON.stringify(job.rows[0]))} | ${bulk()}`}
      />
    </div>
  );
}
