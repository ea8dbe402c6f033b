import { useId } from "react";
import type { Schemas } from "../api/client.ts";
import type { Reason } from "../session/permission.ts";
import { TextField } from "../ui/field.tsx";
import { Card } from "../ui/page.tsx";
import { groupFault } from "./new_job_request.ts";

type RowAction = Schemas["RowAction"];

/** What a row deletes, and how rows look. */
const ACTIONS: readonly (readonly [RowAction, string, string])[] = [
  [
    "delete_profile",
    "A profile",
    "with all its identifiers, traits and memberships, and everything that was merged into it. A row is any identifier of the profile, such as email:ada@example.com, or its own id, use_…",
  ],
  [
    "delete_identifier",
    "One identifier",
    "The profile stays. A row names the profile and the identifier, in the columns user_id, type and id, or profile, type and id.",
  ],
];

interface ActionCardProps {
  action: RowAction;
  /** Why the session may not do it. */
  reasons: Record<RowAction, Reason>;
  group: string;
  /** Whether it is settled, because a dry run was made of it. */
  isFixed: boolean;
  onAction: (action: RowAction) => void;
  onGroup: (group: string) => void;
}

/** The choice of what each row deletes, and of the group that the job belongs to. */
export function ActionCard({ action, reasons, group, isFixed, onAction, onGroup }: ActionCardProps) {
  const id = useId();
  return (
    <Card title="1. What a row deletes">
      <fieldset className="choice">
        <legend className="visually-hidden">What a row deletes</legend>
        {ACTIONS.map(([name, title, text]) => (
          <label key={name} className="check">
            <input
              type="radio"
              name={id}
              checked={action === name}
              disabled={isFixed || reasons[name] !== null}
              onChange={() => onAction(name)}
            />
            <span>
              <strong>{title}</strong> <span className="soft">{text}</span>
              {reasons[name] !== null && <small className="reason"> {reasons[name]}</small>}
            </span>
          </label>
        ))}
      </fieldset>
      <TextField
        label="Group label (optional)"
        hint="Jobs with the same label are counted together, and nothing is deleted twice among them. Dry runs have it too."
        value={group}
        readOnly={isFixed}
        error={groupFault(group)}
        onValue={onGroup}
      />
    </Card>
  );
}
