import type { ReactNode } from "react";
import { CopyButton } from "../ui/copy.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import type { useLogKeys } from "./query.ts";
import { signedSizes } from "./words.ts";

interface KeyListProps {
  query: ReturnType<typeof useLogKeys>;
  /** What stands below each key. */
  below?: (line: string) => ReactNode;
}

/** The keys of the log, as the API tells them. */
export function KeyList({ query, below }: KeyListProps) {
  return (
    <Loaded query={query} what="the keys of the log">
      {(keys) =>
        keys.length === 0 ? (
          <Empty title="The log has signed nothing yet." />
        ) : (
          <ul className="stack">
            {keys.map((use) => (
              <li key={`${use.key} ${use.from}`}>
                {signedSizes(use)}: <bdi className="id">{use.key}</bdi>{" "}
                <CopyButton label="Copy key" text={() => use.key} />
                {below?.(use.key)}
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}
