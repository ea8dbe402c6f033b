import createClient from "openapi-fetch";
import { PARALLEL } from "../rows/upload.ts";
import { credentials, tokenWasRejected } from "../session/session.ts";
import { noteServerTime } from "./clock.ts";
import { fillPath } from "./path.ts";
import { Problem } from "./problem.ts";
import type { components, paths } from "./schema.d.ts";

/** The bodies of the API, by name. */
export type Schemas = components["schemas"];

/** The paths of a space, without what all of them begin with. */
type SpacePaths = {
  [Path in keyof paths as Path extends `/v1/spaces/{space_id}${infer Rest}` ? Rest : never]: {
    [Method in keyof paths[Path]]: OfSpace<paths[Path][Method]>;
  };
};

/** An operation without the parameter that names the space. */
type OfSpace<Operation> = Operation extends { parameters: { path: infer Path } }
  ? Omit<Operation, "parameters"> & { parameters: Omit<Operation["parameters"], "path"> & Rest<Omit<Path, "space_id">> }
  : Operation;
type Rest<Path> = keyof Path extends never ? unknown : { path: Path };

/** A request that was sent. */
export type Sent<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** A page of a job takes the API up to 25 s. */
const TIMEOUT_MS = 29_000;

/** So slow may a line be that pages share, in characters a millisecond: then a page of 4 MiB has 18 minutes. */
const SLOWEST = 16 / PARALLEL;

/** A request that knows how long its body is. */
class SizedRequest extends Request {
  readonly length: number;

  constructor(url: string, init: RequestInit) {
    super(url, init);
    this.length = String(init.body ?? "").length;
  }
}

async function send(request: Request): Promise<Response> {
  const { headers, method, signal, length } = request as SizedRequest;
  const token = credentials()?.token;
  if (token !== undefined && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${token}`);
  // The API reads a POST of a page only if it says what it sends.
  if (method !== "GET" && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const response = await fetch(request, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS + length / SLOWEST)]),
  });
  noteServerTime(response);
  if (response.status === 401) tokenWasRejected(headers.get("Authorization"));
  return response;
}

/** A client of the API. Nothing that the browser remembers is sent, and no response is kept. */
function clientOf<Paths extends object>(baseUrl: string) {
  return createClient<Paths>({
    baseUrl,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    pathSerializer: fillPath,
    Request: SizedRequest as typeof Request,
    fetch: send,
  });
}

/** What is of no space. `..` is the stage: the console is one level below it. */
export const service = clientOf<paths>("..");

/** What is of a space: that of the session. */
export function api(space = credentials()?.space ?? "") {
  return clientOf<SpacePaths>(`..${spacePath(space)}`);
}

/** Where the paths of a space begin. */
export function spacePath(space: string): string {
  return `/v1/spaces/${encodeURIComponent(space)}`;
}

/** The body of a success. Throws a {@link Problem} otherwise. */
export async function body<T>(sent: Sent<T>): Promise<T> {
  return (await answered(sent)).data;
}

/** The same with the response, whose headers matter. */
export async function answered<T>(sent: Sent<T>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await sent.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw Problem.noResponse(cause);
  });
  if (!response.ok) throw Problem.of(response, error);
  // openapi-fetch gives nothing for an empty body, such as that of the last page of a list of lines.
  return { data: (data ?? "") as T, response };
}
