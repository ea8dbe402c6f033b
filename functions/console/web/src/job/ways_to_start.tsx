import { Link } from "../ui/route.tsx";

/** Where a deletion begins. */
export function WaysToStart() {
  return (
    <ul className="ways">
      <li>
        One person: find them in the <Link href="/profiles">profile explorer</Link>.
      </li>
      <li>
        Many, from a file or a list: make a <Link href="/jobs/new">new job</Link>.
      </li>
      <li>
        Everybody in a group: choose one of the <Link href="/segments">user segments</Link>.
      </li>
    </ul>
  );
}
