/** A request to the API, as a person would write it. */
export interface ApiRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** From `/v1` on, encoded. */
  path: string;
  body?: unknown;
  /** Whether it must count once only, however often it is sent. */
  isOnce?: boolean;
}

/** A text as one word of a POSIX shell. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_.,:/=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The address of the API: what is above the console. */
export function apiUrl(): string {
  return new URL("..", window.location.href.split("#")[0]).href.replace(/\/$/, "");
}

/** The request as a curl command. */
export function curl({ method, path, body, isOnce = false }: ApiRequest): string {
  const parts = ["curl", '-H "Authorization: Bearer $EFFACE_TOKEN"'];
  if (method !== "GET") parts.push(`-X ${method}`, "-H 'Content-Type: application/json'");
  if (isOnce) parts.push('-H "Idempotency-Key: $(uuidgen)"');
  if (body !== undefined) parts.push(`--data ${quote(JSON.stringify(body))}`);
  return [...parts, quote(apiUrl() + path)].join(" ");
}

/** Words of the command `efface`, which reads the token from `$EFFACE_TOKEN`. */
export function efface(words: readonly string[], space: string): string {
  return ["efface", ...words.map(quote), "--space", quote(space), "--api-url", quote(apiUrl())].join(" ");
}
