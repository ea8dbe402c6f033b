import { useEffect, useRef, useState } from "react";

type Work = (signal: AbortSignal, onDone: (done: number) => void) => Promise<void>;

/** Long work of a component: whether it goes on, how much is done, and why it has failed. It ends with the component. */
export function useWork() {
  const running = useRef<AbortController | null>(null);
  const [state, setState] = useState({ isRunning: false, done: 0, problem: null as unknown });
  const stop = () => running.current?.abort();
  useEffect(() => () => running.current?.abort(), []);
  const start = async (work: Work) => {
    const control = new AbortController();
    running.current = control;
    setState({ isRunning: true, done: 0, problem: null });
    let problem: unknown = null;
    try {
      await work(control.signal, (done) => setState({ isRunning: true, done, problem: null }));
    } catch (cause) {
      if (!control.signal.aborted) problem = cause;
    }
    setState(({ done }) => ({ isRunning: false, done, problem }));
  };
  return { ...state, start, stop };
}
