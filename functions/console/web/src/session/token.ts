import { api, body, type Schemas } from "../api/client.ts";
import type { Credentials } from "./session.ts";

/** What a token is and may do in a space. Fails where it is not valid there. */
export function tokenOf({ space, token }: Credentials): Promise<Schemas["TokenBody"]> {
  return body(api(space).GET("/token", { headers: { Authorization: `Bearer ${token}` } }));
}
