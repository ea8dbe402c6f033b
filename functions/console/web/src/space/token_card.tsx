import type { Schemas } from "../api/client.ts";
import { useNow } from "../job/now.ts";
import { Facts } from "../ui/facts.tsx";
import { Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { leftUntil, PERMISSIONS } from "./words.ts";

const TICK_MS = 10_000;

/** The token that one is signed in with: what it may do, and until when. Never the token itself. */
export function TokenCard({ token }: { token: Schemas["TokenDetails"] }) {
  const { id, label, role, permissions, created_at, expires_at } = token;
  const now = useNow(TICK_MS);
  return (
    <Card title="Your token">
      <Facts
        facts={[
          [
            "Id",
            <span key="id" className="id">
              {id}
            </span>,
          ],
          ["Label", label ? <Value key="label" text={label} /> : "None"],
          ["Role", role],
          ["Created", <Time key="created" at={created_at} />],
          [
            "Expires",
            expires_at ? (
              <span key="expires">
                <Time at={expires_at} />, {leftUntil(expires_at, now)}
              </span>
            ) : (
              "Never: an operator has to revoke it"
            ),
          ],
          [
            "May",
            <ul key="may">
              {permissions.map((permission) => (
                <li key={permission}>{PERMISSIONS[permission]}</li>
              ))}
              <li>Read and control the jobs that it has made</li>
            </ul>,
          ],
        ]}
      />
    </Card>
  );
}
