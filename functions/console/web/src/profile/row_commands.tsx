import type { Schemas } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { curl, efface, quote } from "../ui/shell.ts";

/** A job of one row, as commands: `efface` reads its rows from a file or, as here, from standard input. */
export function RowCommands({ job }: { job: Schemas["CreateJobBody"] & { rows: unknown[] } }) {
  const { space } = useSession();
  const path = fillPath("/v1/spaces/{space_id}/deletion_jobs", { space_id: space });
  const bulk = () => efface(["bulk", "-", "--action", job.action, "--yes"], space);
  return (
    <div className="commands">
      <CopyButton label="Copy as curl" text={() => curl({ method: "POST", path, body: job, isOnce: true })} />
      <CopyButton
        label="Copy as efface"
        text={() => `printf '%s\\n' ${quote(JSON.stringify(job.rows[0]))} | ${bulk()}`}
      />
    </div>
  );
}
