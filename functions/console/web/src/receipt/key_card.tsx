import { useState } from "react";
import { useSessionState } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { AreaField } from "../ui/field.tsx";
import { Card } from "../ui/page.tsx";
import { ApiKeys } from "./api_keys.tsx";
import { readKeys } from "./note.ts";
import { forgetKey, pinKeys, usePinnedKeys } from "./pinned_keys.ts";

interface KeyCardProps {
  /** What was entered as keys. */
  text: string;
  error: string | null;
  onChange: (text: string) => void;
}

/** The keys that a receipt may be signed by: entered now, or pinned before. None is ever taken from a receipt. */
export function KeyCard({ text, error, onChange }: KeyCardProps) {
  const { session } = useSessionState();
  const pinned = usePinnedKeys();
  const [fault, setFault] = useState<string | null>(null);
  const pin = async () => {
    try {
      const keys = await readKeys(text);
      pinKeys(keys.map(({ line }) => line));
      onChange("");
    } catch (cause) {
      setFault(cause instanceof Error ? cause.message : null);
    }
  };
  const change = (next: string) => {
    setFault(null);
    onChange(next);
  };
  return (
    <Card title="2. The key of the log">
      <p>
        Take it from a place that the operator of the log cannot change for you alone, such as a contract or a public
        page. Not from who gave you the receipt: whoever can write a log can sign another one with another key.
      </p>
      {pinned.length > 0 && <PinnedKeys lines={pinned} />}
      <AreaField
        label={pinned.length > 0 ? "Another verifier key" : "Verifier key"}
        hint={
          <>
            One a line, as <code>efface log key</code> prints them.
          </>
        }
        placeholder="log.example.com/…+0a1b2c3d+A…"
        className="id"
        rows={2}
        value={text}
        error={error ?? fault}
        onValue={change}
      />
      {text.trim() !== "" && (
        <div className="actions">
          <Button onClick={() => void pin()}>Pin</Button>
          <small>A pinned key is kept in this browser (local storage) until you forget it. It is no secret.</small>
        </div>
      )}
      {session?.details.token.permissions.includes("read_audit_log") && <ApiKeys />}
    </Card>
  );
}

function PinnedKeys({ lines }: { lines: readonly string[] }) {
  return (
    <>
      <h3>Pinned in this browser</h3>
      <ul className="stack" aria-label="Pinned keys">
        {lines.map((line) => (
          <li key={line}>
            <KeyName line={line} />{" "}
            <Button kind="quiet" aria-label={`Forget the key ${line}`} onClick={() => forgetKey(line)}>
              Forget
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** A key by its name and its id, by which signatures name it. */
function KeyName({ line }: { line: string }) {
  const [name, id] = line.split("+");
  return (
    <>
      <bdi className="id">{name}</bdi> <code>{id}</code>
    </>
  );
}
