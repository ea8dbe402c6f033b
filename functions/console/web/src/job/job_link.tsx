import { useSession } from "../session/session.ts";
import { Link } from "../ui/route.tsx";

/** How much of an id tells it from others in a list: ids that were made together begin alike. */
const SHOWN = 8;

function shortened(id: string): string {
  return `${id.slice(0, id.indexOf("_") + 1)}…${id.slice(-SHOWN)}`;
}

/** The address of a job's screen. */
export function jobRoute(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}

interface JobLinkProps {
  id: string;
  /** What stands before the id. */
  text?: string;
  /** Whether the id is shown from its beginning to its end, because somebody may quote it. */
  isWhole?: boolean;
}

/** A job by its id, which leads to its screen. */
export function JobLink({ id, text, isWhole = false }: JobLinkProps) {
  const shown = isWhole ? id : shortened(id);
  return (
    <Link href={jobRoute(id)} title={id}>
      {text === undefined ? (
        <span className="id">{shown}</span>
      ) : (
        <>
          {text} <small className="id nowrap">{shown}</small>
        </>
      )}
    </Link>
  );
}

/** Whose token it was; in a list, where the columns are narrow, by the end of its id. */
export function TokenName({ id, isShort = false }: { id: string; isShort?: boolean }) {
  const { token } = useSession().details;
  return (
    <>
      {isShort ? (
        <span className="id nowrap" title={id}>
          {shortened(id)}
        </span>
      ) : (
        <span className="id">{id}</span>
      )}
      {id === token.id && <span className="soft"> (yours)</span>}
    </>
  );
}
