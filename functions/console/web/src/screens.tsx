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
import { Button } from "./ui/button.tsx";
import { Empty } from "./ui/loaded.tsx";
import { Page } from "./ui/page.tsx";
import { Link, useRoute } from "./ui/route.tsx";

/** The screens that the menu names. No address ever holds an identifier's value. */
const MENU = [
  ["/", "Overview"],
  ["/profiles", "Profile explorer"],
  ["/deletions", "Deletion records"],
  ["/jobs", "Jobs"],
  ["/segments", "User Segments"],
  ["/audit", "Audit log"],
  ["/receipts", "Receipts"],
  ["/space", "Space"],
] as const;

/** The screen of an address. The key of one that is about something begins it anew for another thing. */
const SCREENS: readonly (readonly [RegExp, (id: string) => ReactNode])[] = [
  [/^\/$/, () => <Overview />],
  [/^\/profiles$/, () => <ProfileExplorer />],
  [/^\/profiles\/([^/]+)$/, (id) => <ProfileExplorer key={id} profileId={id} />],
  [/^\/deletions$/, () => <DeletionRecord />],
  [/^\/jobs$/, () => <JobList />],
  [/^\/jobs\/new$/, () => <NewJob />],
  [/^\/jobs\/([^/]+)$/, (id) => <JobScreen key={id} id={id} />],
  [/^\/segments$/, () => <SegmentList />],
  [/^\/segments\/([^/]+)$/, (id) => <SegmentScreen key={id} id={id} />],
  [/^\/audit$/, () => <AuditLog />],
  [/^\/receipts$/, () => <ReceiptCheck />],
  [/^\/space$/, () => <SpaceScreen />],
];

/** Everything that somebody sees who is signed in. */
export function Screens() {
  return <Shell>{screenOf(useRoute())}</Shell>;
}

function screenOf(route: string): ReactNode {
  for (const [pattern, show] of SCREENS) {
    const found = pattern.exec(route);
    if (found !== null) return show(found[1] ?? "");
  }
  return (
    <Page title="Not found">
      <Empty title="There is no such screen.">
        <Link href="/">Overview</Link>
      </Empty>
    </Page>
  );
}

function Shell({ children }: { children: ReactNode }) {
  const { space, details } = useSession();
  const location = useRoute();
  const isHere = (path: string) => (path === "/" ? location === "/" : location.startsWith(path));
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
            {MENU.map(([path, name]) => (
              <li key={path}>
                <Link href={path} aria-current={isHere(path) ? "page" : undefined}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </>
  );
}

/** Leads past the menu. A link to `#main` would be a route. */
function SkipLink() {
  return (
    <button type="button" className="skip" onClick={() => document.getElementById("main")?.focus()}>
      Skip to the content
    </button>
  );
}
