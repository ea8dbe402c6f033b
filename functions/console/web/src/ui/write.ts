import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { credentials, onSession } from "../session/session.ts";
import { isOpen, SentRequests } from "./sent.ts";
import { useStore } from "./store.ts";

const requests = new SentRequests();
onSession(() => {
  if (credentials() === null) requests.clear();
});

/**
 * A request that changes something. Each repetition bears the same `Idempotency-Key` until its outcome is known: a second
 * click, or a try after a lost response, changes nothing twice. `scope` names what is written, such as "execute job_1": under
 * it a request that may have happened is also known to a dialog that is opened again, and no other is sent. Without it another
 * input is another request: that is for what cannot happen twice.
 */
export function useWrite<Input, Output>(
  send: (input: Input, key: string) => Promise<Output>,
  onSuccess?: (output: Output, input: Input) => void,
  scope?: string,
) {
  const [own] = useState(() => crypto.randomUUID());
  const name = scope ?? own;
  const kept = useStore(requests.store).get(name);
  const mutation = useMutation({
    mutationFn: async (given: Input) => {
      const { key, input } = requests.begin(name, given, scope === undefined, credentials()?.token) as {
        key: string;
        input: Input;
      };
      try {
        const output = await send(input, key);
        requests.end(name, key);
        return { output, input };
      } catch (fault) {
        requests.end(name, key, fault);
        throw fault;
      }
    },
    onSuccess: ({ output, input }) => onSuccess?.(output, input),
  });
  const { mutate, isPending, error, data, reset } = mutation;
  /** Sends a request; under a scope the last one again, as long as that may have happened. */
  const run = (input: Input) => {
    if (!isPending) mutate(input);
  };
  return {
    run,
    isPending,
    problem: error,
    data: data?.output,
    reset,
    /** Whether the last request may have happened, because no response has said so or not. */
    isUncertain: kept !== undefined && (kept.isLost || (!isPending && isOpen(kept))),
    /** Whether the session's token has sent that request. */
    isOwn: kept?.token === credentials()?.token,
    /** What was last sent, while it may be sent again. */
    sent: (kept?.input ?? null) as Input | null,
    /** Sends the last request once more: the same input under the same key. */
    again: () => {
      if (kept !== undefined) run(kept.input as Input);
    },
    /** Drops the last request, when somebody has looked what has become of it. The next one has another key. */
    forget: () => {
      requests.forget(name);
      reset();
    },
  };
}
