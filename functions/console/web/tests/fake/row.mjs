/** Why a row is invalid: its code and message. */
const FAULTS = {
  form: [
    "invalid_row",
    "The row has the wrong JSON form: send a text `key:value` or an object with `key` and `value` to delete a profile, an object with `type`, `id` and either `user_id` or `profile` to delete an identifier.",
  ],
  colon: [
    "invalid_row",
    "The row has no `:` between key and value; send `key:value`, such as `email:…`, or a profile's own id, `use_…`.",
  ],
  type: [
    "unsupported_eid_type",
    "The key is not an identifier type of this space; use one of its types, exactly as it is written.",
  ],
  group: ["unsupported_eid_type", "Identifiers of the type `group_id` can't be deleted; use another type."],
  empty: ["invalid_value", "The value is empty; send 1 to 2,048 bytes."],
  long: ["invalid_value", "The value is too long; send 1 to 2,048 bytes of UTF-8."],
  own: ["invalid_value", "A profile's own id is `use_` and 32 digits 0-9 and a-f; send it as reads and lists show it."],
};

const fault = (name) => ({ fault: { code: FAULTS[name][0], message: FAULTS[name][1] } });

/** A row as it was posted, read for an action: what it names, or why it cannot be read. */
export function readRow(space, action, row) {
  return action === "delete_identifier" ? readIdentifierRow(space, row) : readProfileRow(space, row);
}

function readProfileRow(space, row) {
  const text = typeof row === "string" ? row : joined(row);
  return text === null ? fault("form") : readSelector(space, text);
}

/** `{"key","value"}`, or the one column of an object or array. */
function joined(row) {
  if (typeof row !== "object" || row === null) return null;
  if (typeof row.key === "string" && typeof row.value === "string") return `${row.key}:${row.value}`;
  const values = Object.values(row);
  return values.length === 1 && typeof values[0] === "string" ? values[0] : null;
}

function readSelector(space, text) {
  const own = text.startsWith("segment_id:") ? text.slice("segment_id:".length) : text;
  if (own.startsWith("use_")) {
    return /^use_[0-9a-f]{32}$/.test(own) ? { profile: { type: "segment_id", value: own } } : fault("own");
  }
  const colon = text.indexOf(":");
  if (colon < 0) return fault("colon");
  const profile = { type: text.slice(0, colon), value: text.slice(colon + 1) };
  const wrong = faultOf(space, profile.type, profile.value);
  return wrong ?? { profile };
}

function faultOf(space, type, value) {
  if (type === "group_id") return fault("group");
  if (!space.types.has(type)) return fault("type");
  if (value === "") return fault("empty");
  return Buffer.byteLength(value) > 2_048 ? fault("long") : null;
}

function readIdentifierRow(space, row) {
  if (typeof row !== "object" || row === null) return fault("form");
  const { type, id, user_id, profile } = row;
  const names = typeof user_id === "string" ? { profile: { type: "user_id", value: user_id } } : null;
  if (typeof type !== "string" || typeof id !== "string") return fault("form");
  const lookup = names ?? (typeof profile === "string" ? readSelector(space, profile) : fault("form"));
  return lookup.fault ? lookup : (faultOf(space, type, id) ?? { ...lookup, identifier: { type, value: id } });
}

/** The body of a page as a list of rows; CSV only where it has one cell a line. */
export function rowsOf(body, contentType) {
  if (contentType.startsWith("text/csv")) {
    const lines = String(body)
      .split(/[\r\n]+/)
      .filter((line) => line !== "");
    const isHeader = (line) => /^(key:value|key|value|id|rows?|profiles?|profile_id|segment_id)$/i.test(line);
    const kept = lines.length > 0 && isHeader(lines[0]) ? lines.slice(1) : lines;
    return kept.map((line) => (line.includes(":") ? line : line.replace(",", ":")));
  }
  return body?.rows ?? [];
}
