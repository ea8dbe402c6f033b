import { useState } from "react";
import { Button } from "./button.tsx";
import { codePoint, partsOf } from "./unseen.ts";

/** More than this of a value is cut until it is asked for. */
const LONG = 120;

interface ValueProps {
  text: string;
  /** Whether its line ends divide it, as those of formatted JSON do. */
  hasLines?: boolean;
}

/** A value that somebody over one's shoulder should not read: hidden until its button is pressed. */
export function Masked({ name, ...value }: ValueProps & { name: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <span className="masked">
      {isShown ? <Value {...value} /> : <Hidden />}{" "}
      <Button kind="quiet" aria-label={`${isShown ? "Hide" : "Show"} ${name}`} onClick={() => setShown(!isShown)}>
        {isShown ? "Hide" : "Show"}
      </Button>
    </span>
  );
}

/** What stands in the place of a hidden value. */
export function Hidden() {
  return (
    <span>
      <span aria-hidden="true">••••••••</span>
      <span className="visually-hidden">hidden</span>
    </span>
  );
}

/** A text of somebody else: any length, any direction of writing. It changes nothing around it. */
export function Value({ text, hasLines = false }: ValueProps) {
  const [isWhole, setWhole] = useState(false);
  const letters = [...text];
  const isCut = letters.length > LONG && !isWhole;
  return (
    <span className="value">
      <Seen text={isCut ? `${letters.slice(0, LONG).join("")}…` : text} hasLines={hasLines} />
      {isCut && (
        <>
          {" "}
          <Button kind="quiet" onClick={() => setWhole(true)}>
            Show all {letters.length} characters
          </Button>
        </>
      )}
    </span>
  );
}

/** The same, never cut. A character that nobody sees is told by its number: two texts that differ look different. */
export function Seen({ text, hasLines = false }: ValueProps) {
  return (
    <bdi>
      {partsOf(text).map((part, place) =>
        place % 2 === 0 || (hasLines && part === "\n") ? (
          part
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text are their places.
          <span key={place} className="tag" title="an unseen character">
            {codePoint(part)}
          </span>
        ),
      )}
    </bdi>
  );
}
