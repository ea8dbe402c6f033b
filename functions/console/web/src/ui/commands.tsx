import { useSession } from "../session/session.ts";
import { CopyButton } from "./copy.tsx";
import { type ApiRequest, curl, efface } from "./shell.ts";

/** What a screen or a button does, as commands for a terminal. They name the token's variable, never the token. */
export function Commands({ request, command }: { request: ApiRequest; command: readonly string[] }) {
  const { space } = useSession();
  return (
    <div className="commands">
      <CopyButton label="Copy as curl" text={() => curl(request)} />
      <CopyButton label="Copy as efface" text={() => efface(command, space)} />
    </div>
  );
}
