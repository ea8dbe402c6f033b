import { CopyButton } from "./copy.tsx";

/** An id that people quote elsewhere. */
export function Id({ id }: { id: string }) {
  return (
    <>
      <span className="id">{id}</span> <CopyButton label="Copy" text={() => id} />
    </>
  );
}
