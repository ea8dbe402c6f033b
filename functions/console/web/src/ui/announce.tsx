import { Store, useStore } from "./store.ts";

/** What screen readers are to say next. */
const said = new Store("");

/** A region says what changes in it: so it is emptied first, and has been there for so long when it is filled. */
const EMPTY_MS = 100;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has screen readers say something, when they have finished what they are saying. The same text is said again. */
export function announce(text: string): void {
  clearTimeout(timer);
  said.set("");
  timer = setTimeout(() => said.set(text), EMPTY_MS);
}

/** A region that screen readers listen to: of the page, and of each dialog. */
export function Announcer() {
  return (
    <p className="visually-hidden" role="status" aria-live="polite">
      {useStore(said)}
    </p>
  );
}
