import { KeyList } from "../receipt/key_list.tsx";
import { useLogKeys } from "../receipt/query.ts";
import { Commands } from "../ui/commands.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";

/** The keys that sign the space's log, as the API tells them. */
export function LogKeys() {
  const query = useLogKeys();
  return (
    <Card title="Keys of the audit log">
      <KeyList query={query} />
      <p className="soft">
        A key that only the API tells proves nothing about the API. Compare it with what the operator has published
        elsewhere, and pin it under <Link href="/receipts">Receipts</Link>.
      </p>
      <Commands path="/log/key" command={["log", "key"]} />
    </Card>
  );
}
