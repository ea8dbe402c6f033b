import { useQuery } from "@tanstack/react-query";
import { body, service } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { tokenOf } from "../session/token.ts";

/** The space and the token as they are now. What signing in has told is shown until then. */
export function useToken() {
  const { space, token, details } = useSession();
  return useQuery({
    queryKey: ["token", space, details.token.id],
    queryFn: () => tokenOf({ space, token }),
    initialData: details,
  });
}

/** The version of the service that responds. It takes no token. */
export function useHealth() {
  return useQuery({ queryKey: ["health"], queryFn: ({ signal }) => body(service.GET("/health", { signal })) });
}
