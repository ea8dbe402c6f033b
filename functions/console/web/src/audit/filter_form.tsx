import { serverNow } from "../api/clock.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Form, SelectField, TextField } from "../ui/field.tsx";
import { EVENT_WORDS } from "./event_words.ts";
import { type Draft, type Filter, filterOf, PERIODS, rangeFault } from "./filter.ts";

const IDS = [
  ["job_id", "Job", "job_…"],
  ["request_id", "Request", "019aab10-…"],
  ["token_id", "Token", "tok_…"],
  ["segment_id", "Segment", "seg_…"],
] as const;

interface FilterFormProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  onSearch: (filter: Filter) => void;
}

/** Asks which entries to look for. What is entered stays in memory, and goes with the screen. */
export function FilterForm({ draft, onChange, onSearch }: FilterFormProps) {
  const types = useSession().details.space.identifier_types.map(({ name }) => name);
  const set = (name: keyof Draft) => (value: string) => onChange({ ...draft, [name]: value });
  const fault = rangeFault(draft);
  const send = () => {
    if (fault === null) onSearch(filterOf(draft, serverNow()));
  };
  return (
    <Form className="card" onSend={send} autoComplete="off">
      <div className="row">
        <SelectField label="When" value={draft.period} onValue={set("period")}>
          {Object.entries(PERIODS).map(([period, words]) => (
            <option key={period} value={period}>
              {words}
            </option>
          ))}
        </SelectField>
        {draft.period === "own" && (
          <>
            <TextField label="From" type="datetime-local" step={1} value={draft.from} onValue={set("from")} />
            <TextField label="To" type="datetime-local" step={1} value={draft.to} error={fault} onValue={set("to")} />
          </>
        )}
        <SelectField label="What" value={draft.event} onValue={set("event")}>
          <option value="">Everything</option>
          {[...EVENT_WORDS].map(([event, words]) => (
            <option key={event} value={event}>
              {event}: {words}
            </option>
          ))}
        </SelectField>
      </div>
      <details>
        <summary>By job, request, token, segment or identifier</summary>
        <div className="stack">
          <div className="row">
            {IDS.map(([name, label, placeholder]) => (
              <TextField key={name} label={label} placeholder={placeholder} value={draft[name]} onValue={set(name)} />
            ))}
          </div>
          <div className="row">
            <SelectField label="Identifier type" value={draft.type} onValue={set("type")}>
              {types.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </SelectField>
            <div className="grow">
              <TextField label="Value of the identifier" type="password" value={draft.value} onValue={set("value")} />
            </div>
          </div>
          <small>A search by job, request or identifier is quick. Any other one reads through the log.</small>
        </div>
      </details>
      <div className="actions">
        <Button kind="primary" type="submit">
          Search
        </Button>
      </div>
    </Form>
  );
}
