import { useEffect, useRef, useState } from "react";
import { takeReceipt } from "../deletion/receipt_store.ts";
import { useSessionState } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Form } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { Progress } from "../ui/progress.tsx";
import { FileCard } from "./file_card.tsx";
import { IdentifierCard } from "./identifier_card.tsx";
import { JobReceipts } from "./job_receipts.tsx";
import { KeyCard } from "./key_card.tsx";
import { NoEd25519, readKeys } from "./note.ts";
import { usePinnedKeys } from "./pinned_keys.ts";
import { ReceiptResult } from "./receipt_result.tsx";
import type { Checked, Source } from "./source.ts";
import { type CheckState, useCheck } from "./use_check.ts";

/** What of the form cannot be used. */
interface Faults {
  receipt?: string;
  key?: string;
  type?: string;
}

/** Receipts: they are checked here, in the browser. It works without a token, and makes no request for it. */
export function ReceiptCheck() {
  const { session } = useSessionState();
  const [handed] = useState(takeReceipt);
  const [handedType, handedValue] = split(handed?.identifier ?? "");
  const [sources, setSources] = useState<readonly Source[]>([]);
  const [pasted, setPasted] = useState(handed?.text ?? "");
  const [keyText, setKeyText] = useState("");
  const [type, setType] = useState(handedType);
  const [value, setValue] = useState(handedValue);
  const [faults, setFaults] = useState<Faults>({});
  const pinned = usePinnedKeys();
  const { state, run, stop, forget } = useCheck();

  const check = async (given: readonly Source[] = sources) => {
    const all = pasted === "" ? given : [...given, { name: "Receipt", blob: new Blob([pasted]) }];
    const read = await keysFrom([...pinned, keyText].join("\n"));
    const found: Faults = {
      ...(all.length === 0 && { receipt: "Choose or paste a receipt." }),
      ...(typeof read === "string" && { key: read }),
      ...(value !== "" && type.trim() === "" && { type: "Enter the type of the identifier." }),
    };
    setFaults(found);
    if (typeof read === "string" || Object.keys(found).length > 0) return;
    await run(all, read, value === "" ? null : { type: type.trim(), value });
  };
  /** What was found out is about what was entered then. */
  function changing<T>(set: (value: T) => void): (value: T) => void {
    return (next) => {
      set(next);
      setFaults({});
      forget();
    };
  }
  const choose = (next: readonly Source[]) => {
    changing(setSources)(next);
    if (next.length > 0 && pinned.length > 0) void check(next);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was handed over is checked once, when the screen is opened.
  useEffect(() => {
    if (handed !== null && pinned.length > 0) void check();
  }, []);
  return (
    <Page title="Receipts">
      <p>
        A receipt proves that something was deleted, and when. It is checked here, in your browser, without asking
        anybody: neither the receipt nor the identifier leaves this page.
      </p>
      <Form className="stack" onSend={() => void check()} autoComplete="off" noValidate>
        <FileCard
          sources={sources}
          pasted={pasted}
          error={faults.receipt ?? null}
          onSources={choose}
          onPasted={changing(setPasted)}
        />
        <KeyCard
          text={keyText}
          error={(keyText !== "" || pinned.length === 0 ? faults.key : null) ?? null}
          onChange={changing(setKeyText)}
        />
        <IdentifierCard
          type={type}
          value={value}
          error={faults.type ?? null}
          onType={changing(setType)}
          onValue={changing(setValue)}
        />
        <div className="actions">
          <Button kind="primary" type="submit" isBusy={state.step === "running"}>
            Check
          </Button>
          {state.step === "running" && <Button onClick={stop}>Stop</Button>}
        </div>
      </Form>
      <Outcome state={state} />
      {session !== null && <JobReceipts onList={(source) => choose([source])} />}
    </Page>
  );
}

function Outcome({ state }: { state: CheckState }) {
  if (state.step === "running") {
    return <Progress label={`Checking ${state.source}, bytes`} done={state.done} all={state.all} />;
  }
  if (state.step === "failed") {
    const { problem } = state;
    return (
      <Notice kind="bad" title="The receipt could not be checked">
        {problem instanceof NoEd25519 ? problem.message : "Reading it has failed. Choose the file again."}
      </Notice>
    );
  }
  return state.step === "done" ? <Results results={state.results} /> : null;
}

/** What was found out, which comes into view. */
function Results({ results }: { results: readonly Checked[] }) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => top.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div className="stack" ref={top}>
      {results.map((checked, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two files may have one name, and the list never changes.
        <ReceiptResult key={at} checked={checked} />
      ))}
    </div>
  );
}

/** The keys of a text, or what is wrong with it. */
async function keysFrom(text: string) {
  try {
    const keys = await readKeys(text);
    return keys.length > 0 ? keys : "Enter the verifier key of the log, or pin one.";
  } catch (cause) {
    return cause instanceof Error ? cause.message : "This is no verifier key.";
  }
}

function split(identifier: string): [string, string] {
  const at = identifier.indexOf(":");
  return at < 0 ? ["", ""] : [identifier.slice(0, at), identifier.slice(at + 1)];
}
