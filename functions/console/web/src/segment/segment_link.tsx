import { Seen } from "../ui/masked.tsx";
import { Link } from "../ui/route.tsx";

/** The address of a segment's screen. */
export function segmentRoute(id: string): string {
  return `/segments/${encodeURIComponent(id)}`;
}

/** A segment by its id or its name, which leads to its screen. */
export function SegmentLink({ id, name }: { id: string; name?: string }) {
  return (
    <Link href={segmentRoute(id)} className={name === undefined ? "id" : undefined}>
      <Seen text={name ?? id} />
    </Link>
  );
}
