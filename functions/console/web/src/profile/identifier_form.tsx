import { useState } from "react";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Form, SelectField, TextField } from "../ui/field.tsx";
import { Lines } from "../ui/lines.tsx";
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
  const send = () => {
    if (!isBusy) onSend({ type, id: value });
  };
  return (
    <Form className="card" onSend={send} autoComplete="off">
      <div className="row">
        <SelectField label="Identifier type" value={type} onValue={setType}>
          {types.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <div className="grow">
          <TextField label="Value" required value={value} onValue={setValue} />
        </div>
        <Button kind="primary" type="submit" isBusy={isBusy}>
          {action}
        </Button>
      </div>
    </Form>
  );
}

/** The types by which people are found: of a group there are many. */
function useTypes(): string[] {
  const { identifier_types } = useSession().details.space;
  return identifier_types.map(({ name }) => name).filter((name) => name !== "group_id");
}

/** Why an identifier that finds nothing may be mistyped. */
export function NearMisses({ identifier }: { identifier: Identifier }) {
  return <Lines of={nearMisses(identifier.id, useIsLowercase(identifier.type))} />;
}

/** Whether values of a type are compared regardless of their letter case. */
export function useIsLowercase(type: string): boolean {
  const { identifier_types } = useSession().details.space;
  return identifier_types.some(({ name, normalisation }) => name === type && normalisation === "lowercase");
}
