import { BAD } from "./text.ts";

/** A value of a JSON text that is not within two others: what a document of rows is made of. */
export interface Place {
  /** How many lists and objects it is in: 0 to 2. */
  readonly depth: number;
  /** Its name, if the document is an object: that of the field that it is, or is in. Null if that is no Unicode. */
  readonly field: string | null;
}

/** What a scanner passes on. */
export interface JsonSink {
  /** A value begins with this character. Returns whether its text is wanted. */
  begins(place: Place, first: string): boolean;
  /** A wanted value has ended; its text is null if it is too long. It began on this line. */
  ended(text: string | null, line: number, place: Place): void;
}

/** The longest value that is kept: no request could hold more. */
const MAX_TEXT = 4 * 1024 * 1024;

/** So deep is no row; what is around a place is kept in memory. */
const MAX_DEPTH = 1_000_000;

/** What may come next. */
type State =
  | "value"
  | "value_or_end"
  | "key"
  | "key_or_end"
  | "colon"
  | "more_or_end"
  | "nothing"
  | "string"
  | "scalar";

const BLANKS = /[ \t]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a JSON string may have none of them.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SCALAR = /[^\s,:{}[\]"]*/y;
const WHOLE_SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const ESCAPE = /^(?:["\\/bfnrt\ud800]|u[0-9a-fA-F]{4})$/;
const PART_OF_ESCAPE = /^u[0-9a-fA-F]{0,3}$/;

/** Checks a JSON text that comes in slices, and passes on the values that its sink wants. */
export class JsonScanner {
  readonly #sink: JsonSink;
  #state: State = "value";
  /** The lists and objects around this place, from outside; true is an object. */
  readonly #around: boolean[] = [];
  #isKey = false;
  #field: string | null = null;
  /** The escape that a string is in, without its backslash. */
  #escape: string | null = null;
  /** The scalar or the name of a field that is being read. */
  #token = "";
  /** The wanted value that is being read. */
  #wanted: { place: Place; line: number; text: string | null; from: number } | null = null;
  #line = 1;
  #lineStart = 0;
  #passed = 0;
  #isAfterCr = false;
  /** Where the text is not JSON. */
  fault: { line: number; column: number } | null = null;

  constructor(sink: JsonSink) {
    this.#sink = sink;
  }

  /** Reads the next slice. Returns whether all is JSON so far. */
  feed(text: string): boolean {
    for (let at = 0; at < text.length && this.fault === null; ) at = this.#step(text, at);
    this.#keep(text, text.length);
    this.#passed += text.length;
    return this.fault === null;
  }

  /** Whether the text is one JSON value, and whether it is only that it ends too early. */
  end(): "whole" | "cut" | "broken" {
    if (this.fault === null && this.#state === "scalar") {
      const isPart = ["true", "false", "null"].some((word) => word.startsWith(this.#token));
      if (!isPart && !WHOLE_SCALAR.test(this.#token)) this.#fail(0);
      else if (WHOLE_SCALAR.test(this.#token)) this.#valueEnds("", 0);
    }
    if (this.fault !== null) return "broken";
    return this.#state === "nothing" ? "whole" : "cut";
  }

  #step(text: string, at: number): number {
    if (this.#state === "string") return this.#string(text, at);
    if (this.#state === "scalar") return this.#scalar(text, at);
    BLANKS.lastIndex = at;
    BLANKS.test(text);
    if (BLANKS.lastIndex > at) {
      this.#isAfterCr = false;
      return BLANKS.lastIndex;
    }
    const next = text[at] as string;
    if (next === "\n" || next === "\r") {
      if (next === "\r" || !this.#isAfterCr) this.#line += 1;
      this.#isAfterCr = next === "\r";
      this.#lineStart = this.#passed + at + 1;
      return at + 1;
    }
    this.#isAfterCr = false;
    return this.#structure(next, text, at);
  }

  /** Reads a character that is neither a blank nor in a string. */
  #structure(next: string, text: string, at: number): number {
    const isObject = this.#around.at(-1);
    switch (this.#state) {
      case "colon":
        this.#state = "value";
        return next === ":" ? at + 1 : this.#fail(at);
      case "key":
      case "key_or_end":
        if (next === '"') return this.#begin(at, true);
        return next === "}" && this.#state === "key_or_end" ? this.#close(text, at) : this.#fail(at);
      case "more_or_end":
        if (next === (isObject ? "}" : "]")) return this.#close(text, at);
        this.#state = isObject ? "key" : "value";
        return next === "," ? at + 1 : this.#fail(at);
      case "value_or_end":
        return next === "]" ? this.#close(text, at) : this.#value(next, at);
      case "value":
        return this.#value(next, at);
      default:
        return this.#fail(at);
    }
  }

  #value(next: string, at: number): number {
    if (!/["{[\-0-9tfn]/.test(next)) return this.#fail(at);
    const depth = this.#around.length;
    if (depth <= 2) {
      const place = { depth, field: depth === 0 ? null : this.#field };
      const isWanted = this.#sink.begins(place, next) && this.#wanted === null;
      if (isWanted) this.#wanted = { place, line: this.#line, text: "", from: at };
    }
    if (next === '"') return this.#begin(at, false);
    if (next === "{" || next === "[") {
      if (depth === MAX_DEPTH) return this.#fail(at);
      this.#around.push(next === "{");
      this.#state = next === "{" ? "key_or_end" : "value_or_end";
      return at + 1;
    }
    this.#state = "scalar";
    this.#token = "";
    return at;
  }

  #begin(at: number, isKey: boolean): number {
    this.#state = "string";
    this.#isKey = isKey;
    this.#token = "";
    return at + 1;
  }

  #string(text: string, at: number): number {
    if (this.#escape !== null) return this.#escaped(text, at);
    PLAIN.lastIndex = at;
    PLAIN.test(text);
    const end = PLAIN.lastIndex;
    if (this.#isField() && this.#token.length < MAX_TEXT) this.#token += text.slice(at, end);
    if (end === text.length) return end;
    if (text[end] === "\\") {
      this.#escape = "";
      return end + 1;
    }
    if (text[end] !== '"') return this.#fail(end);
    if (!this.#isKey) return this.#valueEnds(text, end + 1);
    if (this.#isField()) this.#field = stringOf(`"${this.#token}"`);
    this.#state = "colon";
    return end + 1;
  }

  /** Whether the string is the name of one of the document's own fields. */
  #isField(): boolean {
    return this.#isKey && this.#around.length === 1;
  }

  #escaped(text: string, at: number): number {
    const read = `${this.#escape}${text[at]}`;
    this.#escape = PART_OF_ESCAPE.test(read) ? read : null;
    if (this.#escape !== null) return at + 1;
    if (!ESCAPE.test(read)) return this.#fail(at);
    if (this.#isField()) this.#token += `\\${read}`;
    return at + 1;
  }

  #scalar(text: string, at: number): number {
    SCALAR.lastIndex = at;
    SCALAR.test(text);
    const end = SCALAR.lastIndex;
    this.#token += text.slice(at, end);
    if (end === text.length && this.#token.length < MAX_TEXT) return end;
    return WHOLE_SCALAR.test(this.#token) ? this.#valueEnds(text, end) : this.#fail(Math.max(at, end - 1));
  }

  #close(text: string, at: number): number {
    this.#around.pop();
    return this.#valueEnds(text, at + 1);
  }

  /** A value has ended before this place of the slice. */
  #valueEnds(text: string, end: number): number {
    const wanted = this.#wanted;
    this.#state = this.#around.length === 0 ? "nothing" : "more_or_end";
    if (wanted !== null && wanted.place.depth === this.#around.length) {
      this.#keep(text, end);
      this.#wanted = null;
      this.#sink.ended(wanted.text, wanted.line, wanted.place);
    }
    return end;
  }

  /** Keeps what was read of the wanted value, up to this place of the slice. */
  #keep(text: string, end: number): void {
    const wanted = this.#wanted;
    if (wanted === null) return;
    if (wanted.text !== null) wanted.text += text.slice(wanted.from, end);
    if (wanted.text !== null && wanted.text.length > MAX_TEXT) wanted.text = null;
    wanted.from = 0;
  }

  #fail(at: number): number {
    this.fault = { line: this.#line, column: this.#passed + at + 1 - this.#lineStart };
    return at + 1;
  }
}

/** The text of a JSON string; null if it is no Unicode. */
export function stringOf(json: string): string | null {
  if (/^"[ !#-[\]-~]*"$/.test(json)) return json.slice(1, -1);
  const text: string = JSON.parse(repaired(json));
  return /\p{Cs}/u.test(text) ? null : text;
}

/** JSON in which bytes that are not UTF-8 are escapes of half a surrogate pair, so that a backslash cannot consume them. */
export function repaired(json: string): string {
  return json.includes(BAD) ? json.replaceAll(BAD, "\\ud800\\ud800") : json;
}
