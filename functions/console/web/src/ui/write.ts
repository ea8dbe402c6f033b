import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { Problem } from "../api/problem.ts";

/**
 * A request that changes something. Each repetition of the same input bears the same `Idempotency-Key`, until one has
 * succeeded or was rejected: a second click, or a try after a lost response, changes nothing twice.
 */
export function useWrite<Input, Output>(
  send: (input: Input, key: string) => Promise<Output>,
  onSuccess?: (output: Output, input: Input) => void,
) {
  const last = useRef<{ input: string; key: string } | null>(null);
  const mutation = useMutation({
    mutationFn: (input: Input) => {
      const asText = JSON.stringify(input) ?? "";
      if (last.current?.input !== asText) last.current = { input: asText, key: crypto.randomUUID() };
      return send(input, last.current.key);
    },
    onSuccess: (output, input) => {
      last.current = null;
      onSuccess?.(output, input);
    },
    onError: (problem) => {
      // What was rejected has not happened. The next try is another request.
      if (problem instanceof Problem && !problem.isPassing) last.current = null;
    },
  });
  const { mutate, isPending, error, data, reset } = mutation;
  const run = (input: Input) => {
    if (!isPending) mutate(input);
  };
  return { run, isPending, problem: error, data, reset };
}
