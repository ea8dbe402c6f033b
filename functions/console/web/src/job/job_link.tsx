import { Link } from "../ui/route.tsx";

/** How much of an id tells it from others in a list: ids that were made together begin alike. */
const SHOWN = 8;

function shortened(id: string): string {
  return `${id.slice(0, id.indexOf("_") + 1)}…${id.slice(-SHOWN)}`;
}

/** A job by its id, which leads to its screen. */
export function JobLink({ id, text }: { id: string; text?: string }) {
  return (
    <Link href={`/jobs/${encodeURIComponent(id)}`} title={id}>
      {text === undefined ? (
        <span className="id">{shortened(id)}</span>
      ) : (
        <>
          {text} <small className="id nowrap">{shortened(id)}</small>
        </>
      )}
    </Link>
  );
}

/** Whose token it was; in a list, where the columns are narrow, by the end of its id. */
export function TokenName({ id, own, isShort = false }: { id: string; own: string; isShort?: boolean }) {
  return (
    <>
      {isShort ? (
        <span className="id nowrap" title={id}>
          {shortened(id)}
        </span>
      ) : (
        <span className="id">{id}</span>
      )}
      {id === own && <span className="soft"> (yours)</span>}
    </>
  );
}
