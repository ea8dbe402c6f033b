import { asciiLower, isSingleName, NAMES } from "./columns.ts";
import { isJson } from "./json.ts";
import { isBlank, trimmed } from "./line.ts";
import { isTypeName } from "./row.ts";
import { BAD } from "./text.ts";

/** What the lines of a text are, as far as it decides what the text is. Lines without anything are left out. */
export class LineCounts {
  /** The first five lines. */
  readonly first: string[] = [];
  /** JSON objects and lists, and lines that are neither. Those that begin with a quote can be JSON or CSV. */
  #objects = 0;
  #others = 0;
  #all = 0;
  /** Lines that are not UTF-8. */
  #bad = 0;
  /** Whether a line is a JSON string. It is found out only where that decides something. */
  hasText: boolean;
  #areValues = true;
  hasKeyAndValue = false;
  mayHaveRow = false;

  constructor(mayBeTexts: boolean) {
    this.hasText = !mayBeTexts;
  }

  line(line: string, _number: number, isCut: boolean): void {
    if (isBlank(line)) return;
    const text = trimmed(line);
    this.#all += 1;
    if (line.includes(BAD)) this.#bad += 1;
    if (this.first.length < 5) this.first.push(line);
    const isQuoted = text.startsWith('"');
    const isObject = text.startsWith("{") || text.startsWith("[");
    // Only what still decides something is parsed.
    const isValue = (isObject || this.#areValues || (isQuoted && !this.hasText)) && !isCut && isJson(text);
    this.#areValues &&= isValue;
    this.hasText ||= isQuoted && isValue;
    if (!isQuoted && isObject && isValue) this.#objects += 1;
    else if (!isQuoted) this.#others += 1;
    this.hasKeyAndValue ||= isTypeName(text.slice(0, Math.max(0, text.indexOf(":"))));
    this.mayHaveRow ||= mayBeRow(text);
  }

  /** Whether most lines are not UTF-8. A few such lines are faulty rows. */
  get isOtherEncoding(): boolean {
    return this.#bad > this.#all - this.#bad;
  }

  /** Whether there is nothing but blanks. */
  get isEmpty(): boolean {
    return this.#all === 0;
  }

  /** Whether at least half of the lines are JSON objects or lists. */
  get areObjects(): boolean {
    return this.#objects > 0 && this.#objects >= this.#others;
  }

  /** Whether the lines are JSON strings, where nothing else says so: all are JSON, and the first is a string with a colon. */
  get areTexts(): boolean {
    const [first = ""] = this.first;
    const isText = /^[ \t]*"/.test(first) && this.#areValues;
    return isText && (first.includes(":") || this.#all === 1);
  }
}

/** Whether a line of CSV has a part that can be the type of an identifier, where a row or a header has one. */
function mayBeRow(line: string): boolean {
  const isType = (given: string) => {
    const part = given.replace(/^[" \t]+|[" \t]+$/g, "");
    // `error` begins the text of an error, and is no type.
    return NAMES.includes(asciiLower(part)) || (isTypeName(part) && part !== "error");
  };
  const [first = "", second] = line.split(/[,;\t|]/, 2);
  const colon = first.indexOf(":");
  if (isSingleName(line.replace(/^"+|"+$/g, ""))) return true;
  if (colon >= 0 && isType(first.slice(0, colon))) return true;
  return second !== undefined && (isType(first) || isType(second));
}
