import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { CheckField } from "../ui/field.tsx";
import { Empty, Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";
import { pinKeys, usePinnedKeys } from "./pinned_keys.ts";
import { signedSizes } from "./words.ts";

/** The keys that the API says the log signs with. They prove nothing about the API itself. */
export function useApiKeys(space: string, isEnabled: boolean) {
  return useQuery({
    queryKey: ["log_keys", space],
    enabled: isEnabled,
    queryFn: async ({ signal }) => {
      const sent = api.GET("/v1/spaces/{space_id}/log/key", { params: { path: { space_id: space } }, signal });
      return (await body(sent)).keys;
    },
  });
}

/** The API's keys, to be compared with those that were published elsewhere, and to be pinned then. */
export function ApiKeys({ space }: { space: string }) {
  const [isOpen, setOpen] = useState(false);
  const query = useApiKeys(space, isOpen);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Compare with the key that the API tells</summary>
      {isOpen && (
        <div className="stack">
          <Notice kind="warning" title="This key proves nothing about the API">
            An API that lies about the log can lie about its key. Pin it only when you have compared it with what the
            operator has published elsewhere.
          </Notice>
          <Loaded query={query} what="the keys of the log">
            {(keys) =>
              keys.length === 0 ? (
                <Empty title="The log has signed nothing yet." />
              ) : (
                <ul className="stack">
                  {keys.map((use) => (
                    <li key={`${use.key} ${use.from}`}>
                      <ApiKey line={use.key} sizes={signedSizes(use)} />
                    </li>
                  ))}
                </ul>
              )
            }
          </Loaded>
        </div>
      )}
    </details>
  );
}

function ApiKey({ line, sizes }: { line: string; sizes: string }) {
  const isPinned = usePinnedKeys().includes(line);
  const [isCompared, setCompared] = useState(false);
  return (
    <div className="stack">
      <p>
        {sizes}: <bdi className="id">{line}</bdi> <CopyButton label="Copy key" text={() => line} />
      </p>
      {isPinned ? (
        <p>You have pinned this key.</p>
      ) : (
        <>
          <CheckField
            label="I have compared this key with what the operator has published elsewhere."
            checked={isCompared}
            onChange={(event) => setCompared(event.target.checked)}
          />
          <div className="actions">
            <Button reason={isCompared ? null : "Compare the key first."} onClick={() => pinKeys([line])}>
              Pin this key
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
