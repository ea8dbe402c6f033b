import { useEffect, useState } from "react";
import { serverNow } from "../api/clock.ts";

/** Now, by the server's clock, again after so many milliseconds. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
