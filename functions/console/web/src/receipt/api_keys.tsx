import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { CheckField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { KeyList } from "./key_list.tsx";
import { pinKeys, usePinnedKeys } from "./pinned_keys.ts";
import { useLogKeys } from "./query.ts";

/** The API's keys, to be compared with those that were published elsewhere, and to be pinned then. */
export function ApiKeys() {
  const [isOpen, setOpen] = useState(false);
  const query = useLogKeys(isOpen);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Compare with the key that the API tells</summary>
      {isOpen && (
        <div className="stack">
          <Notice kind="warning" title="This key proves nothing about the API">
            An API that lies about the log can lie about its key.
          </Notice>
          <KeyList query={query} below={(line) => <Pin line={line} />} />
        </div>
      )}
    </details>
  );
}

function Pin({ line }: { line: string }) {
  const isPinned = usePinnedKeys().includes(line);
  const [isCompared, setCompared] = useState(false);
  if (isPinned) return <p>You have pinned this key.</p>;
  return (
    <div className="stack">
      <CheckField
        label="I have compared this key with what the operator has published elsewhere."
        checked={isCompared}
        onValue={setCompared}
      />
      <div className="actions">
        <Button reason={isCompared ? null : "Compare the key first."} onClick={() => pinKeys([line])}>
          Pin this key
        </Button>
      </div>
    </div>
  );
}
