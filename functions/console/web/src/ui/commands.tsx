import { spacePath } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { CopyButton } from "./copy.tsx";
import { type ApiRequest, curl, efface } from "./shell.ts";

interface CommandsProps extends ApiRequest {
  /** From behind the space on, encoded. */
  path: string;
  /** What they are of, and a space, where commands for something else stand beside them. */
  of?: string;
  /** The words of `efface`. */
  command: readonly string[];
}

/** What a screen or a button does, as commands for a terminal. They name the token's variable, never the token. */
export function Commands({ of = "", path, command, ...request }: CommandsProps) {
  const { space } = useSession();
  return (
    <div className="commands">
      <CopyButton label={`Copy ${of}as curl`} text={() => curl({ ...request, path: spacePath(space) + path })} />
      <CopyButton label={`Copy ${of}as efface`} text={() => efface(command, space)} />
    </div>
  );
}
