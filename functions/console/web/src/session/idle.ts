import { useEffect } from "react";
import { IDLE_MS, noteUse, signOut } from "./session.ts";

const CHECK_MS = 5_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/** Signs out when nobody has used the page for {@link IDLE_MS}, also where the machine slept meanwhile. */
export function useIdleSignOut(): void {
  useEffect(() => {
    let last = Date.now();
    const isIdle = () => Date.now() - last >= IDLE_MS;
    const check = () => {
      if (isIdle()) signOut("idle");
    };
    // A page that comes back after the time is over is signed out before it counts as used.
    const use = () => {
      if (isIdle()) return signOut("idle");
      last = Date.now();
      noteUse();
    };
    const timer = setInterval(check, CHECK_MS);
    document.addEventListener("visibilitychange", check);
    for (const sign of SIGNS_OF_LIFE) document.addEventListener(sign, use, { passive: true, capture: true });
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", check);
      for (const sign of SIGNS_OF_LIFE) document.removeEventListener(sign, use, { capture: true });
    };
  }, []);
}
