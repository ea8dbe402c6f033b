import { gzipSync } from "node:zlib";
import * as faults from "../../src/rows/fault.ts";
import { recognise } from "../../src/rows/format.ts";
import { rowsOf } from "../../src/rows/reader.ts";
import { type Reading, readAll } from "../../src/rows/reading.ts";
import { DEFAULT_TYPES, faultOf, meaning, type Row } from "../../src/rows/row.ts";
import type { RowFile } from "../../src/rows/source.ts";
import { Unreadable } from "../../src/rows/unreadable.ts";

export const TYPES = new Set(DEFAULT_TYPES);

/** A signal that is never given. */
export const { signal } = new AbortController();

/** Bytes of a text in which each character is one byte. */
export function latin(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A file whose stream comes in slices of this size, or of any sizes that a generator of numbers gives. */
export function fileOf(content: string | Uint8Array, name = "rows", size: number | (() => number) = 1 << 20): RowFile {
  const bytes = new Uint8Array(typeof content === "string" ? new TextEncoder().encode(content) : content);
  let at = 0;
  return {
    name,
    size: bytes.length,
    slice: (start, end) => new Blob([bytes.slice(start, end)]),
    stream: () => {
      at = 0;
      return new ReadableStream({
        pull(controller) {
          const end = at + (typeof size === "number" ? size : size());
          if (at < bytes.length) controller.enqueue(bytes.slice(at, end));
          at = end;
          if (at >= bytes.length) controller.close();
        },
      });
    },
  };
}

export function gzipped(content: string | Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(content));
}

/** What a file is, and all that was read of it. */
export async function read(file: RowFile, action: "delete_profile" | "delete_identifier" = "delete_profile") {
  const { format } = await recognise(file, { signal });
  if (format instanceof Unreadable) throw format;
  const rows: { row: Row; line: number }[] = [];
  for await (const some of rowsOf(file, format, { signal })) rows.push(...some);
  const reading: Reading = await readAll(file, format, { action, types: TYPES }, { signal });
  return { format, rows, reading };
}

const NAMES = new Map(Object.entries(faults).map(([name, fault]) => [fault.message, name]));

/** A row as what it names, or the name of its fault. */
export function shown(row: Row, action: "delete_profile" | "delete_identifier" = "delete_profile"): string {
  const fault = faultOf(row, action, TYPES);
  if (fault !== null) return NAMES.get(fault.message) ?? fault.message;
  const meant = meaning(row, action);
  if ("code" in meant) return meant.code;
  const named = ({ type, value }: { type: string; value: string }) =>
    type === "segment_id" ? value : `${type}:${value}`;
  return meant.target === undefined ? named(meant.profile) : `${named(meant.profile)} ${named(meant.target)}`;
}
