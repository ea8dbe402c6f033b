import { number } from "./time.tsx";

/** How far something is. The words say the same as the bar. */
export function Progress({ label, done, all }: { label: string; done: number; all: number }) {
  return (
    <div className="progress">
      <progress aria-label={label} value={done} max={Math.max(all, 1)} />
      <span>
        {number(done)} of {number(all)}
      </span>
    </div>
  );
}
