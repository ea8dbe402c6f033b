import { type ReactNode, useEffect, useRef } from "react";

/** Whether a page was shown before: the first one leaves the focus where the browser put it. */
let isFirst = true;

interface PageProps {
  title: string;
  /** The text of the tab, where it says more than the title. */
  tab?: string;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A screen. Its heading takes the focus after a navigation, so that screen readers say where one is. */
export function Page({ title, tab, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  useEffect(() => {
    document.title = `${tab ?? title} · Efface`;
  }, [tab, title]);
  return (
    <>
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div className="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

/** A part of a screen with a heading of its own. */
export function Card({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {actions && <div className="actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}
