import type { Schemas } from "../api/client.ts";
import { useNow } from "../job/now.ts";
import { PERMISSIONS } from "../session/permission.ts";
import { Facts } from "../ui/facts.tsx";
import { Lines } from "../ui/lines.tsx";
import { Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { leftUntil } from "./words.ts";

const TICK_MS = 10_000;

/** The token that one is signed in with: what it may do, and until when. Never the token itself. */
export function TokenCard({ token }: { token: Schemas["TokenDetails"] }) {
  const { id, label, role, permissions, created_at, expires_at } = token;
  const now = useNow(TICK_MS);
  return (
    <Card title="Your token">
      <Facts
        facts={{
          Id: <span className="id">{id}</span>,
          Label: label ? <Value text={label} /> : "None",
          Role: role,
          Created: <Time at={created_at} />,
          Expires: expires_at ? (
            <>
              <Time at={expires_at} />, {leftUntil(expires_at, now)}
            </>
          ) : (
            "Never: an operator has to revoke it"
          ),
          May: (
            <Lines
              of={[
                ...permissions.map((name) => (Object.hasOwn(PERMISSIONS, name) ? PERMISSIONS[name] : name)),
                "read and control the jobs that it has made",
              ]}
            />
          ),
        }}
      />
    </Card>
  );
}
