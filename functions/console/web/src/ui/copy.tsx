import { useEffect, useState } from "react";
import { announce } from "./announce.tsx";
import { Button } from "./button.tsx";

const SHOWN_MS = 2_000;

/** Copies a text, which is made only then. Where the browser does not let it, the text is shown to be selected. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [state, setState] = useState<"ready" | "copied" | "shown">("ready");
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("ready"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setState("copied");
      announce("Copied");
    } catch {
      setState("shown");
    }
  };
  return (
    <>
      <Button kind="quiet" onClick={copy}>
        {state === "copied" ? "Copied" : label}
      </Button>
      {state === "shown" && <textarea className="copy-text" readOnly aria-label={label} value={text()} rows={4} />}
    </>
  );
}
