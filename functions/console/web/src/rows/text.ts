/** Stands for bytes that are not UTF-8: half of a surrogate pair, which no UTF-8 decodes to. */
export const BAD = "\ud800";

const BYTE_ORDER_MARK = "\ufeff";

/** Decodes the slices of a text. Bytes that are not UTF-8 become one {@link BAD}, however many follow each other. */
export class Decoder {
  readonly #fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** The beginning of a character whose end is in the next slice. */
  #rest = new Uint8Array(0);
  #isStart = true;
  #isAfterBad = false;
  /** Whether some bytes were not UTF-8. */
  hasBad = false;

  /** The text of the next slice, without a byte order mark at the very beginning. */
  decode(slice: Uint8Array, isLast = false): string {
    const bytes = joined(this.#rest, slice);
    const end = isLast ? bytes.length : wholeCharacters(bytes);
    this.#rest = bytes.slice(end);
    const text = this.#text(bytes.subarray(0, end));
    if (!this.#isStart || text === "") return text;
    this.#isStart = false;
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }

  #text(bytes: Uint8Array): string {
    if (bytes.length === 0) return "";
    try {
      const text = this.#fatal.decode(bytes);
      this.#isAfterBad = false;
      return text;
    } catch {
      return this.#repaired(bytes);
    }
  }

  #repaired(bytes: Uint8Array): string {
    this.hasBad = true;
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const start = at;
      for (let length = 1; length > 0 && at < bytes.length; at += length) length = characterLength(bytes, at);
      if (at > start) {
        text += this.#fatal.decode(bytes.subarray(start, at));
        this.#isAfterBad = false;
      }
      if (at < bytes.length) {
        if (!this.#isAfterBad) text += BAD;
        this.#isAfterBad = true;
        at += 1;
      }
    }
    return text;
  }
}

/** The bytes of both. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Where the last whole character of a slice ends. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** The bytes of the character that begins there; 0 where none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const [first, second, third, fourth] = [at, at + 1, at + 2, at + 3].map((place) => bytes[place] ?? 0) as Four;
  const goesOn = (byte: number, from = 0x80, to = 0xbf) => byte >= from && byte <= to;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return goesOn(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const from = first === 0xe0 ? 0xa0 : 0x80;
    const to = first === 0xed ? 0x9f : 0xbf;
    return goesOn(second, from, to) && goesOn(third) ? 3 : 0;
  }
  if (first < 0xf0 || first > 0xf4) return 0;
  const from = first === 0xf0 ? 0x90 : 0x80;
  const to = first === 0xf4 ? 0x8f : 0xbf;
  return goesOn(second, from, to) && goesOn(third) && goesOn(fourth) ? 4 : 0;
}

type Four = [number, number, number, number];

/** The length of a text as UTF-8, in bytes. */
export function byteLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are all characters of one byte.
  return /^[\u0000-\u007f]*$/.test(text) ? text.length : new TextEncoder().encode(text).length;
}
