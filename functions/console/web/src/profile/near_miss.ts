import { hasUnseen } from "../ui/unseen.ts";

/** What to check in a value that finds nothing: values are compared exactly, or regardless of their letter case. */
export function nearMisses(value: string, isLowercase: boolean): string[] {
  const found = [];
  if (value !== value.trim()) found.push("The value begins or ends with a blank, which counts.");
  if (hasUnseen(value.trim())) found.push("The value has characters that cannot be seen, and they count.");
  if (!isLowercase && value !== value.toLowerCase()) {
    found.push("The value has capital letters. Values of this type are compared letter by letter, so try small ones.");
  }
  if (value !== value.normalize("NFC")) found.push("The value has letters with separate accents. Type it anew.");
  return found.length > 0 ? found : ["Check the spelling and the type, and try another identifier of the person."];
}
