import type { ReactNode } from "react";
import type { Schemas } from "../api/client.ts";
import { Notice } from "../ui/notice.tsx";
import { plural } from "../ui/time.tsx";

/** Rows that a dry run does not find as they are written, but would find in another case or form. */
export type NearMiss = "other_case" | "other_form";

/** How such a row would be found. */
const WRITTEN: Record<NearMiss, string> = {
  other_case: "in lower or in upper case.",
  other_form:
    "without blanks around the value or invisible characters, or with its accents written as one letter, perhaps in another case.",
};

interface NearMissNoticeProps {
  plan: Schemas["Plan"];
  /** What stands with each kind. */
  each: (kind: NearMiss) => ReactNode;
  /** What is to be done about them. */
  children: ReactNode;
}

/** That rows would be found if they were written otherwise: the most common fault of a list from another system. */
export function NearMissNotice({ plan, each, children }: NearMissNoticeProps) {
  const kinds = (["other_case", "other_form"] as const).filter((kind) => plan[kind] > 0);
  if (kinds.length === 0) return null;
  return (
    <Notice kind="warning" title="Some rows would be found if they were written in another way">
      <div className="stack">
        {kinds.map((kind) => (
          <div key={kind} className="stack">
            <p>
              {plural(plan[kind], "row")} would be found {WRITTEN[kind]}
            </p>
            {each(kind)}
          </div>
        ))}
        {children}
      </div>
    </Notice>
  );
}
