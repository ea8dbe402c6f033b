import assert from "node:assert/strict";
import { Unreadable } from "../../src/rows/unreadable.ts";
import { fileOf, gzipped, read, shown } from "./row_files.ts";

type Body = string | Uint8Array;

/** The rows of a body, or why it is refused: whole, in single bytes, and compressed. */
export async function check(body: Body, expected: string[] | RegExp, name = "rows"): Promise<void> {
  const label = typeof body === "string" ? body.slice(0, 200) : Buffer.from(body.slice(0, 200)).toString("latin1");
  const files = [fileOf(body, name), fileOf(gzipped(body), name)];
  if (body.length < 500) files.push(fileOf(body, name, 1));
  for (const file of files) {
    const reading = read(file);
    if (Array.isArray(expected)) {
      const { rows } = await reading;
      assert.deepEqual(
        rows.map(({ row }) => shown(row)),
        expected,
        label,
      );
    } else {
      await assert.rejects(reading, (error) => error instanceof Unreadable && expected.test(error.message), label);
    }
  }
}

/** The rows of a body that name identifiers. */
export async function identifiers(body: string): Promise<string[]> {
  const { rows } = await read(fileOf(body), "delete_identifier");
  return rows.map(({ row }) => shown(row, "delete_identifier"));
}
