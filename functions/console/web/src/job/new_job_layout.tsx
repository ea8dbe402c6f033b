import type { Schemas } from "../api/client.ts";
import { type Layout, SEPARATORS, type Separator } from "../rows/csv.ts";
import { changedLayout, firstCells, type Made, madeOf, type Part, partsOf, withPart } from "../rows/layout.ts";
import { useSession } from "../session/session.ts";
import { SelectField } from "../ui/field.tsx";

/** What a row can be made of, by what it deletes. */
const MADE: Record<Schemas["RowAction"], readonly (readonly [Made, string])[]> = {
  delete_profile: [
    ["auto", "found by the number of cells"],
    ["text", "one column of type:value"],
    ["pair", "a type and a value"],
  ],
  delete_identifier: [
    ["auto", "found by the number of cells"],
    ["user_id", "a user_id, a type and an id"],
    ["profile", "a profile (type:value), a type and an id"],
  ],
};

/** What the parts are called for people. */
const NAMES: Record<string, string> = { key: "Type", value: "Value", type: "Type", id: "Identifier" };

/** Before a type that is the same in all rows: a column may have the same name. */
const ALWAYS = "always ";

/** More of a column's name is not needed to know it. */
const LONGEST_NAME = 40;

interface LayoutFieldsProps {
  layout: Layout;
  action: Schemas["RowAction"];
  firstLines: readonly string[];
  onLayout: (layout: Layout) => void;
}

/** How a table is read: its header, its separator, and which column is what. */
export function LayoutFields({ layout, action, firstLines, onLayout }: LayoutFieldsProps) {
  const cells = firstCells(firstLines, layout.separator);
  const made = layout.columns?.shape ?? "auto";
  const isKnown = MADE[action].some(([name]) => name === made);
  return (
    <div className="row">
      <SelectField
        label="The first line"
        value={layout.hasHeader ? "header" : "row"}
        onValue={(value) => onLayout(changedLayout(layout, { hasHeader: value === "header" }, firstLines))}
      >
        <option value="header">is a header</option>
        <option value="row">is a row</option>
      </SelectField>
      <SelectField
        label="Separator"
        value={layout.separator}
        onValue={(value) => onLayout(changedLayout(layout, { separator: value as Separator }, firstLines))}
      >
        {SEPARATORS.map(([separator, name]) => (
          <option key={name} value={separator}>
            {name}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="A row is"
        value={isKnown ? made : "auto"}
        onValue={(value) => onLayout(madeOf(layout, value as Made, cells))}
      >
        {MADE[action].map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </SelectField>
      {layout.columns !== null &&
        isKnown &&
        partsOf(layout.columns.shape).map((part, place) => (
          <PartField
            key={part}
            part={part}
            value={layout.columns?.used[place] ?? 0}
            columns={cells.map((cell, at) => (layout.hasHeader ? nameOf(cell, at) : `Column ${at + 1}`))}
            onPart={(next) => onLayout(withPart(layout, place, next))}
          />
        ))}
    </div>
  );
}

function nameOf(cell: string, at: number): string {
  return cell.trim() === "" ? `Column ${at + 1}` : [...cell.trim()].slice(0, LONGEST_NAME).join("");
}

interface PartFieldProps {
  part: string;
  value: Part;
  columns: readonly string[];
  onPart: (part: Part) => void;
}

/** Which column a part of a row is in. A type may be the same in all rows. */
function PartField({ part, value, columns, onPart }: PartFieldProps) {
  const { identifier_types } = useSession().details.space;
  return (
    <SelectField
      label={NAMES[part] ?? part}
      value={typeof value === "number" ? String(value) : ALWAYS + value.text}
      onValue={(chosen) => onPart(chosen.startsWith(ALWAYS) ? { text: chosen.slice(ALWAYS.length) } : Number(chosen))}
    >
      <optgroup label="Column">
        {columns.map((name, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place; names may repeat.
          <option key={at} value={at}>
            {name}
          </option>
        ))}
      </optgroup>
      {NAMES[part] === "Type" && (
        <optgroup label="The same in all rows">
          {identifier_types.map(({ name }) => (
            <option key={name} value={ALWAYS + name}>
              {ALWAYS + name}
            </option>
          ))}
        </optgroup>
      )}
    </SelectField>
  );
}
