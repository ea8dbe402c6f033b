import type { ReactNode } from "react";
import { CopyButton } from "../ui/copy.tsx";
import { Card } from "../ui/page.tsx";
import { quote } from "../ui/shell.ts";
import { CHANGES } from "./words.ts";

/** How an operator changes the space, as commands. No function of the service can: that is on purpose. */
export function SpaceCommands({ space }: { space: string }) {
  const command = (words: readonly string[]) => ["efface", "admin", ...words.map(quote)].join(" ");
  return (
    <Card title="Change the space">
      <p>An operator changes spaces and tokens with a command. The functions follow within a minute.</p>
      <ul className="stack">
        {CHANGES.map(([what, ...options]) => (
          <CommandLine key={what} line={command(["space", "update", space, ...options])}>
            {what}
          </CommandLine>
        ))}
        <CommandLine line={command(["token", "create", space, "--role", "privacy_admin", "--expires-in", "8h"])}>
          Make a token for a working day
        </CommandLine>
        <CommandLine line={command(["token", "list", space])}>List the tokens</CommandLine>
        <CommandLine line={command(["stop", "--space", space])}>
          Stop everything that deletes, in an emergency
        </CommandLine>
      </ul>
    </Card>
  );
}

function CommandLine({ line, children }: { line: string; children: ReactNode }) {
  return (
    <li>
      {children}: <code>{line}</code> <CopyButton label="Copy" text={() => line} />
    </li>
  );
}
