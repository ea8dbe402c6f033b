import { check, DoesNotHold } from "./fault.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** A text in UTF-8. Half of a surrogate pair has no such form: whoever takes texts from outside refuses it before. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Bytes as the text that they are in UTF-8, with nothing added, left out or replaced. */
export function textOf(bytes: Bytes, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DoesNotHold(`${what} is not a text.`);
  }
}

export function concat(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function isEqual(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

export function hex(bytes: Bytes): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Base64 in its one form: with padding, and without bits that are left over. */
export function decodeBase64(text: string, what: string): Bytes {
  let data: string;
  try {
    data = atob(text);
  } catch {
    throw new DoesNotHold(`${what} is not base64.`);
  }
  check(btoa(data) === text, `${what} is not base64 in its one form.`);
  return Uint8Array.from(data, (letter) => letter.charCodeAt(0));
}

/** 32 bytes in base64url without padding, in their one form. */
export function decodeBase64Url(text: unknown, what: string): Bytes {
  check(typeof text === "string" && /^[A-Za-z0-9_-]{43}$/.test(text), `${what} is not 32 bytes in base64url.`);
  return decodeBase64(`${text.replaceAll("-", "+").replaceAll("_", "/")}=`, what);
}
