import type { Schemas } from "../api/client.ts";
import type { Reason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, Form, SelectField, TextField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import type { JobFilter } from "./query.ts";
import { STATES } from "./words.ts";

interface JobFilterProps {
  filter: JobFilter;
  /** Why the session may list its own jobs only. */
  allReason: Reason;
  onChange: (filter: JobFilter) => void;
  /** What stands in the field of the group, and is applied when it is sent. */
  group: string;
  onGroup: (group: string) => void;
}

/** Which jobs are listed. It is kept in memory only: a label may name somebody. */
export function JobFilterForm(props: JobFilterProps) {
  const { filter, allReason, onChange } = props;
  if (allReason !== null) {
    return (
      <Notice kind="info" title="Only jobs that your token made">
        {allReason}
      </Notice>
    );
  }
  return (
    <div className="card">
      {!filter.isMine && <Fields {...props} filter={filter} />}
      <CheckField
        label="Mine: only jobs that your token made"
        checked={filter.isMine}
        onValue={(isMine) => onChange({ isMine })}
      />
    </div>
  );
}

function Fields({ filter, group, onChange, onGroup }: JobFilterProps & { filter: { isMine: false } & JobFilter }) {
  const { state = "" } = filter;
  const search = (chosen: Schemas["JobState"] | "") => {
    const label = group.trim();
    onChange({ isMine: false, ...(chosen && { state: chosen }), ...(label && { group: label }) });
  };
  return (
    <Form className="row" aria-label="Filter" onSend={() => search(state)}>
      <SelectField label="State" value={state} onValue={(chosen) => search(chosen as Schemas["JobState"] | "")}>
        <option value="">All states</option>
        {Object.entries(STATES).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField label="Group" value={group} maxLength={128} onValue={onGroup} />
      <Button type="submit">Show group</Button>
    </Form>
  );
}
