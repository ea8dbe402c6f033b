/** A character that nobody sees: a control, a mark of direction, something without width, or a blank other than a space. */
const UNSEEN = /((?! )[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}])/u;

/** Whether a text has characters that nobody sees. */
export function hasUnseen(text: string): boolean {
  return UNSEEN.test(text);
}

/** A text in parts, of which every second one is a character that nobody sees. */
export function partsOf(text: string): string[] {
  return text.split(UNSEEN);
}

/** How a character is called that cannot be shown: `U+202E`. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
