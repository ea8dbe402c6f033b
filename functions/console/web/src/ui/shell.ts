import { hasUnseen, partsOf } from "./unseen.ts";

/** A request to the API, as a person would write it. */
export interface ApiRequest {
  method?: "GET" | "POST" | "DELETE";
  /** From `/v1` on, encoded. */
  path: string;
  body?: unknown;
}

/** A text as one word of a shell. What nobody sees, and a terminal may obey when it is pasted, is written as bytes. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_.,:/=@%+-]+$/.test(text)) return text;
  if (!hasUnseen(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = partsOf(text).map((part, at) => (at % 2 === 0 ? part.replace(/[\\']/g, "\\$&") : octal(part)));
  return `$'${parts.join("")}'`;
}

/** The bytes of a text with three digits each, which end where they end: hexadecimal ones would go on with what follows. */
function octal(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/** The address of the API: what is above the console. */
export function apiUrl(): string {
  return new URL("..", window.location.href.split("#")[0]).href.replace(/\/$/, "");
}

/** The request as a curl command. What changes something counts once only, however often it is sent. */
export function curl({ method = "GET", path, body }: ApiRequest): string {
  const parts = ["curl", '-H "Authorization: Bearer $EFFACE_TOKEN"'];
  if (method !== "GET") {
    parts.push(`-X ${method}`, "-H 'Content-Type: application/json'", '-H "Idempotency-Key: $(uuidgen)"');
  }
  if (body !== undefined) parts.push(`--data ${quote(JSON.stringify(body))}`);
  return [...parts, quote(apiUrl() + path)].join(" ");
}

/** Words of the command `efface`, which reads the token from `$EFFACE_TOKEN`. */
export function efface(words: readonly string[], space: string): string {
  return ["efface", ...words.map(quote), "--space", quote(space), "--api-url", quote(apiUrl())].join(" ");
}
