import { Problem } from "../api/problem.ts";
import { useApiKeys } from "../receipt/api_keys.tsx";
import { signedSizes } from "../receipt/words.ts";
import { useSession } from "../session/session.ts";
import { Commands } from "../ui/commands.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";

/** The keys that sign the space's log, as the API tells them. */
export function LogKeys() {
  const { space } = useSession();
  const query = useApiKeys(space, true);
  const isOff = query.error instanceof Problem && query.error.code === "journal_off";
  return (
    <Card title="Keys of the audit log">
      {isOff ? (
        <p>This deployment keeps no audit log.</p>
      ) : (
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
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      )}
      <p className="soft">
        A key that only the API tells proves nothing about the API. Compare it with what the operator has published
        elsewhere, and pin it under <Link href="/receipts">Receipts</Link>.
      </p>
      <Commands request={{ method: "GET", path: `/v1/spaces/${space}/log/key` }} command={["log", "key"]} />
    </Card>
  );
}
