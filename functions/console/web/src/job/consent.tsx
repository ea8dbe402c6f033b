import { useState } from "react";
import { useSession } from "../session/session.ts";
import { CheckField } from "../ui/field.tsx";

/** What somebody agrees to. */
export function consentTo(what: string): string {
  return `I want ${what} to be deleted for good.`;
}

/**
 * The box of a consent. It holds for the words that were read, with their number, and for who has read them: where either
 * becomes another one, the box is empty again.
 */
export function useConsent(label: string, isDisabled = false) {
  const who = useSession().details.token.id;
  const [agreed, setAgreed] = useState({ label: "", who });
  const isAgreed = agreed.label === label && agreed.who === who;
  const field = (
    <div>
      <CheckField
        label={label}
        checked={isAgreed}
        disabled={isDisabled}
        onValue={(isOn) => setAgreed({ label: isOn ? label : "", who })}
      />
      <small role="status">
        {agreed.label !== "" && !isAgreed && "This has changed since you ticked the box. Read it again."}
      </small>
    </div>
  );
  return { isAgreed, field };
}
