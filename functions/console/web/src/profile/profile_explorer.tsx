import { useMutation } from "@tanstack/react-query";
import { isProblem } from "../api/problem.ts";
import { IdentifierStatus } from "../deletion/identifier_status.tsx";
import { useReason } from "../session/permission.ts";
import { announce } from "../ui/announce.tsx";
import { Empty, Forbidden, Loading } from "../ui/loaded.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { Link, navigate } from "../ui/route.tsx";
import { IdentifierForm } from "./identifier_form.tsx";
import { ProfileView } from "./profile_view.tsx";
import { type Identifier, metadataOf } from "./query.ts";

/** Profile explorer: finds a person by an identifier, and shows what is known of them. */
export function ProfileExplorer({ profileId }: { profileId?: string | undefined }) {
  const reason = useReason("read_profiles");
  return (
    <Page title="Profile explorer">
      {reason === null ? (
        <LookUp profileId={profileId} />
      ) : (
        <>
          <Forbidden what="profiles" reason={reason} />
          <p>
            <Link href="/deletions">Deletion records</Link> tell whether an identifier was deleted.
          </p>
        </>
      )}
    </Page>
  );
}

/** The form, and what it has found. The address then has the profile's own id, and never the value. */
function LookUp({ profileId }: { profileId: string | undefined }) {
  const { mutate, isPending, error, variables } = useMutation({
    mutationFn: ({ type, id }: Identifier) => metadataOf(`${type}:${id}`),
  });
  // The callbacks of the call, and not of the mutation: they are for a screen that is still there.
  const look = (identifier: Identifier) =>
    mutate(identifier, {
      onSuccess: ({ segment_id }) => {
        announce("The profile was found.");
        navigate(`/profiles/${segment_id}`, { replace: true });
      },
    });
  return (
    <>
      <IdentifierForm action="Look up" isBusy={isPending} onSend={look} />
      {isPending ? (
        // Nobody may take the person who was shown before for the one who is looked up.
        <Loading what="the profile" />
      ) : error !== null && variables !== undefined ? (
        <NotFound problem={error} identifier={variables} onRetry={() => look(variables)} />
      ) : profileId === undefined ? (
        <Empty title="Look a person up by any identifier." />
      ) : (
        <ProfileView id={profileId} />
      )}
    </>
  );
}

/** That an identifier finds no profile, and whether it was deleted. */
function NotFound(props: { problem: unknown; identifier: Identifier; onRetry: () => void }) {
  const { problem, identifier, onRetry } = props;
  const reason = useReason("read_deletions");
  if (!isProblem(problem, 404)) return <ProblemNotice problem={problem} onRetry={onRetry} />;
  if (reason !== null) {
    return (
      <Notice kind="info" title="No profile has this identifier">
        Whether it was deleted is not shown. {reason}
      </Notice>
    );
  }
  return <IdentifierStatus identifier={identifier} />;
}
