import { useEffect, useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { navigate } from "../ui/route.tsx";
import { useControl } from "./query.ts";
import { WriteProblem } from "./write_problem.tsx";

/** What leaving the page would lose. */
export interface Loss {
  readonly text: string;
  /** A job that stays open. */
  readonly job: string | null;
}

/** Asks before the page is left, as long as something would be lost. */
export function LeaveGuard({ loss }: { loss: Loss | null }) {
  const [target, setTarget] = useState<string | null>(null);
  const [isAgreed, setAgreed] = useState(false);
  useGuard(loss !== null && !isAgreed, setTarget);
  useEffect(() => {
    if (isAgreed && target !== null) navigate(target);
  }, [isAgreed, target]);
  if (loss === null || target === null || isAgreed) return null;
  const leave = () => setAgreed(true);
  return (
    <Dialog title="Leave this page?" onClose={() => setTarget(null)}>
      <p>{loss.text}</p>
      {loss.job !== null && (
        <p>
          The job <span className="id">{loss.job}</span> stays open. It deletes nothing, and it is cancelled by itself
          after 30 days, unless somebody starts it on its screen.
        </p>
      )}
      <div className="actions">
        <Button kind="primary" onClick={() => setTarget(null)}>
          Stay
        </Button>
        <Button onClick={leave}>Leave</Button>
        {loss.job !== null && <CancelJob id={loss.job} text="Cancel the job and leave" onDone={leave} />}
      </div>
    </Dialog>
  );
}

/** Stops the browser from leaving, and tells where it was to go within the console. */
function useGuard(isOn: boolean, onAsked: (target: string) => void): void {
  useEffect(() => {
    if (!isOn) return;
    const here = window.location.href;
    const closing = (event: Event) => event.preventDefault();
    // Before the router hears of it. Back has gone to an older entry of the history, which stays. A link has made a new
    // one, which is left again.
    const going = (event: Event) => {
      if (window.location.href === here) return;
      event.stopImmediatePropagation();
      const target = window.location.hash.slice(1) || "/";
      if (event.isTrusted) window.history.pushState(null, "", here);
      else {
        window.history.replaceState(null, "", here);
        window.history.back();
      }
      onAsked(target);
    };
    const listeners = { beforeunload: closing, popstate: going, hashchange: going };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener, true);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener, true);
    };
  }, [isOn, onAsked]);
}

interface CancelProps {
  id: string;
  text: string;
  /** Whether a request that starts the job is on its way. */
  isOff?: boolean;
  onDone: () => void;
}

/** Cancels a job that is open. */
export function CancelJob({ id, text, isOff = false, onDone }: CancelProps) {
  const cancel = useControl(id, onDone);
  return (
    <>
      <Button
        reason={isOff ? "Wait for the response." : null}
        isBusy={cancel.isPending}
        onClick={() => cancel.run({ control: "cancel" })}
      >
        {text}
      </Button>
      <WriteProblem write={cancel} />
    </>
  );
}
