import { randomBytes } from "node:crypto";
import { Log } from "./log.mjs";

/** The types that every space knows, by name, with their normalisation. */
const DEFAULT_TYPES = [
  "user_id",
  "email",
  "android.id",
  "android.idfa",
  "android.push_token",
  "anonymous_id",
  "ga_client_id",
  "group_id",
  "ios.id",
  "ios.idfa",
  "ios.push_token",
];

/** All that a space holds. */
export function makeSpace(id, settings = {}) {
  return {
    id,
    isActivated: true,
    approvalOver: null,
    settlingSeconds: 3,
    hasJournal: true,
    types: new Map(DEFAULT_TYPES.map((name) => [name, "none"])),
    profiles: new Map(),
    /** Active identifiers, and the records of deleted ones: both by type and normalised value. */
    identifiers: new Map(),
    deletions: new Map(),
    segments: new Map(),
    jobs: new Map(),
    /** What was done under each `Idempotency-Key`. */
    keys: new Map(),
    log: new Log(id),
    ...settings,
  };
}

/** 32 hexadecimal digits of a UUID of version 7. */
export function uuid7(at = Date.now()) {
  const digits = `${Math.trunc(at).toString(16).padStart(12, "0")}7${randomBytes(10).toString("hex").slice(1)}`;
  return `${digits.slice(0, 16)}${((Number.parseInt(digits[16], 16) & 3) | 8).toString(16)}${digits.slice(17)}`;
}

/** The same as a request's id is written. */
export const dashed = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

/** A time as the API writes it. */
export const time = (at) => (at === null || at === undefined ? null : new Date(at).toISOString());
