import type { ReactNode } from "react";
import { AuditLog } from "./audit/audit_log.tsx";
import { DeletionRecord } from "./deletion/deletion_record.tsx";
import { JobScreen } from "./job/job.tsx";
import { JobList } from "./job/job_list.tsx";
import { NewJob } from "./job/new_job.tsx";
import { Overview } from "./overview/overview.tsx";
import { ProfileExplorer } from "./profile/profile_explorer.tsx";
import { ReceiptCheck } from "./receipt/receipt_check.tsx";
import { SegmentScreen } from "./segment/segment.tsx";
import { SegmentList } from "./segment/segment_list.tsx";
import { signOut, useSession } from "./session/session.ts";
import { SpaceScreen } from "./space/space.tsx";
import { Boundary } from "./ui/boundary.tsx";
import { Button } from "./ui/button.tsx";
import { focusMain } from "./ui/focused.tsx";
import { Empty } from "./ui/loaded.tsx";
import { Page } from "./ui/page.tsx";
import { Link, useRoute } from "./ui/route.tsx";

/**
 * The screens by the first part of their addresses, with their names in the menu. What follows in an address is the id of
 * what a screen is about, and never an identifier's value. The key of such a screen begins it anew for another thing.
 */
const SCREENS: readonly (readonly [path: string, name: string, show: (id: string | undefined) => ReactNode])[] = [
  ["", "Overview", () => <Overview />],
  ["profiles", "Profile explorer", (id) => <ProfileExplorer key={id} profileId={id} />],
  ["deletions", "Deletion records", () => <DeletionRecord />],
  ["jobs", "Jobs", jobs],
  ["segments", "User Segments", (id) => (id === undefined ? <SegmentList /> : <SegmentScreen key={id} id={id} />)],
  ["audit", "Audit log", () => <AuditLog />],
  ["receipts", "Receipts", () => <ReceiptCheck />],
  ["space", "Space", () => <SpaceScreen />],
];

function jobs(id: string | undefined) {
  if (id === undefined) return <JobList />;
  return id === "new" ? <NewJob /> : <JobScreen key={id} id={id} />;
}

/** Everything that somebody sees who is signed in. */
export function Screens() {
  const { space, details } = useSession();
  const route = useRoute();
  const [first = "", id] = route.split("/").filter(Boolean);
  const screen = SCREENS.find(([path]) => path === first);
  return (
    <>
      <SkipLink />
      <header className="bar">
        <strong className="brand">Efface</strong>
        <span className="who">
          <span>{space}</span> · <span>{details.token.role}</span>
        </span>
        <Button kind="quiet" onClick={() => signOut("by_hand")}>
          Sign out
        </Button>
      </header>
      <div className="frame">
        <nav aria-label="Screens">
          <ul>
            {SCREENS.map(([path, name]) => (
              <li key={path}>
                <Link href={`/${path}`} aria-current={path === first ? "page" : undefined}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <main id="main" tabIndex={-1}>
          <Boundary key={route}>{screen === undefined ? <NoScreen /> : screen[2](id)}</Boundary>
        </main>
      </div>
    </>
  );
}

function NoScreen() {
  return (
    <Page title="Not found">
      <Empty title="There is no such screen.">
        <Link href="/">Overview</Link>
      </Empty>
    </Page>
  );
}

/** Leads past the menu. A link to `#main` would be a route. */
function SkipLink() {
  return (
    <button type="button" className="skip" onClick={focusMain}>
      Skip to the content
    </button>
  );
}
