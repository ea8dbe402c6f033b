import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client.ts";

/** The keys that the API says the log signs with. They prove nothing about the API itself. */
export async function logKeys(signal: AbortSignal): Promise<Schemas["LogKeyUse"][]> {
  return (await body(api().GET("/log/key", { signal }))).keys;
}

export function useLogKeys(isEnabled = true) {
  return useQuery({ queryKey: ["log_keys"], enabled: isEnabled, queryFn: ({ signal }) => logKeys(signal) });
}
