import { useState } from "react";
import { CheckField, TextField } from "../ui/field.tsx";
import { Card } from "../ui/page.tsx";

interface IdentifierCardProps {
  type: string;
  value: string;
  error: string | null;
  onType: (type: string) => void;
  onValue: (value: string) => void;
}

/** The identifier that a receipt should be about. Its value stays in the memory of the form. */
export function IdentifierCard({ type, value, error, onType, onValue }: IdentifierCardProps) {
  const [isShown, setShown] = useState(false);
  return (
    <Card title="3. Whom it should be about (optional)">
      <p>An entry of the log names nobody. Enter the identifier to see whether the receipt is about it.</p>
      <div className="row">
        <TextField label="Identifier type" placeholder="email" value={type} error={error} onValue={onType} />
        <div className="grow">
          <TextField label="Value" type={isShown ? "text" : "password"} value={value} onValue={onValue} />
        </div>
      </div>
      <CheckField label="Show the value" checked={isShown} onValue={setShown} />
    </Card>
  );
}
