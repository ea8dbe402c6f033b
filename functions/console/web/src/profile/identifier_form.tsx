import { type FormEvent, useState } from "react";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { nearMisses } from "./near_miss.ts";
import type { Identifier } from "./query.ts";

interface IdentifierFormProps {
  /** What the button does. */
  action: string;
  isBusy: boolean;
  onSend: (identifier: Identifier) => void;
}

/** Asks for an identifier. Its value stays in the memory of the form: no address, no history, no suggestions. */
export function IdentifierForm({ action, isBusy, onSend }: IdentifierFormProps) {
  const types = useTypes();
  const [type, setType] = useState(types.includes("email") ? "email" : (types[0] ?? ""));
  const [value, setValue] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!isBusy) onSend({ type, id: value });
  };
  return (
    <form className="card" onSubmit={send} autoComplete="off">
      <div className="row">
        <SelectField label="Identifier type" value={type} onChange={(event) => setType(event.target.value)}>
          {types.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <div className="grow">
          <TextField label="Value" required value={value} onChange={(event) => setValue(event.target.value)} />
        </div>
        <Button kind="primary" type="submit" isBusy={isBusy}>
          {action}
        </Button>
      </div>
    </form>
  );
}

/** The types by which people are found: of a group there are many. */
function useTypes(): string[] {
  const { identifier_types } = useSession().details.space;
  return identifier_types.map(({ name }) => name).filter((name) => name !== "group_id");
}

/** Why an identifier that finds nothing may be mistyped. */
export function NearMisses({ identifier }: { identifier: Identifier }) {
  const found = nearMisses(identifier.id, useIsLowercase(identifier.type));
  return (
    <ul>
      {found.map((miss) => (
        <li key={miss}>{miss}</li>
      ))}
    </ul>
  );
}

/** Whether values of a type are compared regardless of their letter case. */
export function useIsLowercase(type: string): boolean {
  const { identifier_types } = useSession().details.space;
  return identifier_types.some(({ name, normalisation }) => name === type && normalisation === "lowercase");
}
