import { type ReactNode, useState } from "react";
import type { Reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, Form } from "../ui/field.tsx";

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

interface ConsentFormProps {
  /** What somebody agrees to. Null where nothing is deleted: then there is no box. */
  label: string | null;
  /** What the button is called there. */
  name: string;
  isDanger?: boolean;
  /** Why it cannot be sent yet, whatever somebody agrees to. */
  fault?: Reason;
  isBusy: boolean;
  onSend: () => void;
  /** What is read before. */
  children: ReactNode;
  /** What stands beside the button. */
  beside: ReactNode;
}

/** A form with the box of a consent. Nothing is sent before the box is ticked. */
export function ConsentForm(props: ConsentFormProps) {
  const { label, name, isDanger = false, fault = null, isBusy, onSend, children, beside } = props;
  const isAsked = label !== null;
  const { isAgreed, field } = useConsent(label ?? "", isBusy);
  const reason = fault ?? (isAsked && !isAgreed ? "Tick the box first." : null);
  return (
    <Form className="stack" onSend={() => reason === null && !isBusy && onSend()}>
      {children}
      {isAsked && field}
      <div className="actions">
        <Button kind={isAsked || isDanger ? "danger" : "primary"} type="submit" isBusy={isBusy} reason={reason}>
          {isAsked ? "Confirm Delete" : name}
        </Button>
        {beside}
      </div>
    </Form>
  );
}
