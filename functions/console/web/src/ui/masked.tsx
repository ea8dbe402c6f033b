import { useState } from "react";
import { Button } from "./button.tsx";

/** More than this of a value is cut until it is asked for. */
const LONG = 120;

/** A value that somebody over one's shoulder should not read: hidden until its button is pressed. */
export function Masked({ name, value }: { name: string; value: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <span className="masked">
      {isShown ? (
        <Value text={value} />
      ) : (
        <span>
          <span aria-hidden="true">••••••••</span>
          <span className="visually-hidden">hidden</span>
        </span>
      )}{" "}
      <Button
        kind="quiet"
        aria-pressed={isShown}
        aria-label={`${isShown ? "Hide" : "Show"} ${name}`}
        onClick={() => setShown(!isShown)}
      >
        {isShown ? "Hide" : "Show"}
      </Button>
    </span>
  );
}

/** A text of somebody else: any length, any direction of writing. It changes nothing around it. */
export function Value({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const letters = [...text];
  const isCut = letters.length > LONG && !isWhole;
  return (
    <span className="value">
      <bdi>{isCut ? `${letters.slice(0, LONG).join("")}…` : text}</bdi>
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
