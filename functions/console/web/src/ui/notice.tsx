import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy.tsx";

type Kind = "info" | "good" | "warning" | "bad";

const WORDS: Record<Kind, string> = { info: "Note", good: "Done", warning: "Attention", bad: "Error" };

/** A message in the page. Its kind is a word and a colour, never the colour alone. */
export function Notice({ kind, title, children }: { kind: Kind; title?: string; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      <strong>{title ?? WORDS[kind]}</strong>
      <div>{children}</div>
    </div>
  );
}

interface ProblemNoticeProps {
  problem: unknown;
  /** Tries again. False where that may not be done now. */
  onRetry?: (() => void) | false | undefined;
  kind?: Kind;
  /** What it means here; else its message is the title. */
  title?: string;
  /** What to say of it, in place of its message below the title. */
  children?: ReactNode;
}

/** An error with all that a person needs to ask somebody about it, and a way to try again. */
export function ProblemNotice({ problem, onRetry, kind = "bad", title, children }: ProblemNoticeProps) {
  const known = problem instanceof Problem ? problem : null;
  const message = known?.message ?? "The console has a fault. Reload the page.";
  const code = known?.code ?? (problem instanceof Error ? problem.name : "unknown");
  const details = [`${code}: ${message}`, known?.requestId ? `Request-Id: ${known.requestId}` : ""];
  return (
    <Notice kind={kind} title={title ?? message}>
      {children ?? (title && message)}
      <p className="problem-details">
        <code>{code}</code>
        {known !== null && known.status > 0 && <span> · HTTP {known.status}</span>}
        {known?.requestId && (
          <span>
            {" "}
            · Request-Id <code>{known.requestId}</code>
          </span>
        )}
      </p>
      <div className="actions">
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
        <CopyButton label="Copy error" text={() => details.filter(Boolean).join("\n")} />
      </div>
    </Notice>
  );
}
