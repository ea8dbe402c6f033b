/** A string or a number of a JSON text. Outside of strings nothing else has digits. */
const STRING_OR_NUMBER = /"((?:[^"\\]|\\.)*)"|-?\d[\d.eE+-]*/g;

/** A string that {@link tagged} has made. */
const TAGGED = /"([='])((?:[^"\\]|\\.)*)"/g;

/**
 * JSON whose numbers are strings that begin with `=`, and whose strings begin with `'`. Parsing it loses no digit of a
 * number, keeps the order of all members, and gives none of them the name of something that objects have anyway.
 */
function tagged(json: string): string {
  return json.replace(STRING_OR_NUMBER, (token, string: string | undefined) =>
    string === undefined ? `"=${token}"` : `"'${string}"`,
  );
}

/** A value of a tagged JSON text as formatted JSON, its numbers as they were sent. */
function formatted(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(TAGGED, (_, tag, text: string) => (tag === "=" ? text : `"${text}"`));
}

/** A trait as the API has sent it. */
export interface Trait {
  name: string;
  /** Its value as formatted JSON: digit by digit what was loaded. */
  json: string;
  /** When it was loaded; null where the API does not say. */
  updatedAt: string | null;
}

/** A page of traits. */
export interface TraitPage {
  data: Trait[];
  cursor: { has_more: boolean; next: string };
}

/** What a trait of a page with `verbose=true` is. */
type SentTrait = Record<"'value" | "'updated_at", unknown>;

/** Reads a page of traits out of the body of a response. Numbers may have any size, so it is not parsed as usual. */
export function traitPage(body: string): TraitPage {
  const page = JSON.parse(tagged(body)) as { "'traits": Record<string, SentTrait>; "'cursor": Record<string, unknown> };
  const cursor = page["'cursor"];
  return {
    data: Object.entries(page["'traits"]).map(([name, sent]) => ({
      name: name.slice(1),
      json: formatted(sent["'value"]),
      updatedAt: untagged(sent["'updated_at"]),
    })),
    cursor: { has_more: cursor["'has_more"] === true, next: untagged(cursor["'next"]) ?? "" },
  };
}

function untagged(value: unknown): string | null {
  return typeof value === "string" ? value.slice(1) : null;
}
