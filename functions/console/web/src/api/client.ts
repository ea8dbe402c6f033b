import createClient, { type Middleware } from "openapi-fetch";
import { credentials, tokenWasRejected } from "../session/session.ts";
import { noteServerTime } from "./clock.ts";
import { fillPath } from "./path.ts";
import { Problem } from "./problem.ts";
import type { components, paths } from "./schema.d.ts";

/** The bodies of the API, by name. */
export type Schemas = components["schemas"];

/** A page of a job takes the API up to 25 s. */
const TIMEOUT_MS = 29_000;

const session: Middleware = {
  onRequest({ request }) {
    const token = credentials()?.token;
    if (token !== undefined && !request.headers.has("Authorization")) {
      request.headers.set("Authorization", `Bearer ${token}`);
    }
    // The API reads a POST of a page only if it says what it sends.
    if (request.method !== "GET" && !request.headers.has("Content-Type")) {
      request.headers.set("Content-Type", "application/json");
    }
    return request;
  },
  onResponse({ request, response }) {
    noteServerTime(response);
    if (response.status === 401) tokenWasRejected(request.headers.get("Authorization"));
  },
};

/**
 * The API. `..` is the stage: the console is one level below it. Nothing that the browser remembers is sent, and no
 * response is kept.
 */
export const api = createClient<paths>({
  baseUrl: "..",
  credentials: "omit",
  cache: "no-store",
  redirect: "error",
  pathSerializer: fillPath,
  fetch: (request: Request) =>
    fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) }),
});
api.use(session);

/** The body of a success. Throws a {@link Problem} otherwise. */
export async function body<T>(sent: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  return (await answered(sent)).data;
}

/** The same with the response, whose headers matter. */
export async function answered<T>(
  sent: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await sent.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw Problem.noResponse(cause);
  });
  if (!response.ok) throw Problem.of(response, error);
  return { data: data as T, response };
}
