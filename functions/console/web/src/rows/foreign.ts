import { Unreadable } from "./unreadable.ts";

/** How many bytes of a file are looked at to see what it is. */
export const HEAD = 2_000;

const UNPACK = "Unpack it, and choose the file of rows.";
const EXPORT = "Export its rows as CSV, and choose that file.";
const EXCEL = "In Excel, save the sheet as “CSV UTF-8”, and choose that file.";

/** What begins with which bytes, each written as one character, and what to do about it. */
const KINDS: readonly (readonly [magic: string, kind: string, remedy: string])[] = [
  ["\x1f\x8b", "gzip within gzip", UNPACK],
  ["PK\x05\x06", "an empty ZIP archive", "Choose the file of rows."],
  ["\x28\xb5\x2f\xfd", "compressed with Zstandard", UNPACK],
  ["BZh91AY&SY", "compressed with bzip2", UNPACK],
  ["\xfd7zXZ\0", "compressed with xz", UNPACK],
  ["\x04\x22\x4d\x18", "compressed with LZ4", UNPACK],
  ["\xff\x06\0\0sNaPpY", "compressed with Snappy", UNPACK],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK],
  ["Rar!\x1a\x07", "a RAR archive", UNPACK],
  ["%PDF-", "a PDF document", EXPORT],
  ["PAR1", "a Parquet file", EXPORT],
  ["Obj\x01", "an Avro file", EXPORT],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or document of an old Office version", EXCEL],
  ["SQLite format 3\0", "an SQLite database", EXPORT],
];

/** Refuses a file that is no text, by its first bytes: names and media types are often wrong. */
export function refuseForeign(head: Uint8Array): void {
  const start = String.fromCharCode(...head.subarray(0, HEAD));
  const found = archiveOf(start) ?? KINDS.find(([magic]) => start.startsWith(magic))?.slice(1);
  if (found !== undefined) throw new Unreadable(`The file is ${found.join(". ")}`);
  if (start.startsWith("\xff\xfe") || start.startsWith("\xfe\xff")) {
    throw new Unreadable("The file is UTF-16. Save it as UTF-8, in Excel as “CSV UTF-8”.");
  }
}

/** What an archive is, and the remedy: a ZIP archive may be a document. */
function archiveOf(start: string): string[] | undefined {
  if (start.startsWith("PK\x03\x04")) {
    // The entries of an Office document have these names; the first is within the first hundreds of bytes.
    const isOffice = ["[Content_Types].xml", "xl/", "docProps/"].some((name) => start.includes(name));
    return isOffice ? ["an Excel workbook or another Office document", EXCEL] : ["a ZIP archive", UNPACK];
  }
  // The fields before it are filled with NUL; a text may have this word.
  const isTar = start.slice(257, 262) === "ustar" && start.slice(0, 257).includes("\0");
  return isTar ? ["a tar archive", UNPACK] : undefined;
}

/** Of a file with a NUL byte at this place, from 0: JSON has NUL as an escape, and other text has none. */
export function binary(at: number): Unreadable {
  return new Unreadable(
    `The file has a NUL byte (at ${at}), so it is binary data or UTF-16. Save it as text in UTF-8.`,
  );
}
