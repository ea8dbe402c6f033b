import { useState } from "react";
import { IdentifierForm } from "../profile/identifier_form.tsx";
import type { Identifier } from "../profile/query.ts";
import { Permitted } from "../session/permitted.tsx";
import { Empty } from "../ui/loaded.tsx";
import { Page } from "../ui/page.tsx";
import { IdentifierStatus } from "./identifier_status.tsx";

/** Deletion records: whether an identifier was deleted, when, by whom and why. */
export function DeletionRecord() {
  return (
    <Page title="Deletion records">
      <Permitted permission="read_deletions" what="deletion records">
        <Search />
      </Permitted>
    </Page>
  );
}

function Search() {
  // The number makes a second search for the same identifier a new one.
  const [asked, setAsked] = useState<{ identifier: Identifier; search: number } | null>(null);
  const find = (identifier: Identifier) => setAsked({ identifier, search: (asked?.search ?? 0) + 1 });
  return (
    <>
      <IdentifierForm action="Find record" isBusy={false} onSend={find} />
      {asked === null ? (
        <Empty title="Was an identifier deleted?">
          <p>
            Enter it to see when it was deleted, by whom and why. Records hold no values, so there is no list of them.
          </p>
        </Empty>
      ) : (
        <IdentifierStatus key={asked.search} identifier={asked.identifier} />
      )}
    </>
  );
}
