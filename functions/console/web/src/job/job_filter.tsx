import type { FormEvent } from "react";
import type { Schemas } from "../api/client.ts";
import type { Reason } from "../session/permission.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, SelectField, TextField } from "../ui/field.tsx";
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
        onChange={(event) => onChange(event.target.checked ? { isMine: true } : { isMine: false })}
      />
    </div>
  );
}

function Fields({ filter, group, onChange, onGroup }: JobFilterProps & { filter: { isMine: false } & JobFilter }) {
  const change = (next: { state?: string; group: string }) => {
    const state = next.state as Schemas["JobState"] | undefined;
    const label = next.group.trim();
    onChange({ isMine: false, ...(state && { state }), ...(label && { group: label }) });
  };
  const search = (event: FormEvent) => {
    event.preventDefault();
    change({ ...(filter.state && { state: filter.state }), group });
  };
  return (
    <form className="row" aria-label="Filter" onSubmit={search}>
      <SelectField
        label="State"
        value={filter.state ?? ""}
        onChange={(event) => change({ state: event.target.value, group })}
      >
        <option value="">All states</option>
        {Object.entries(STATES).map(([state, name]) => (
          <option key={state} value={state}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField label="Group" value={group} maxLength={128} onChange={(event) => onGroup(event.target.value)} />
      <Button type="submit">Show group</Button>
    </form>
  );
}
