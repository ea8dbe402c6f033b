import { type DragEvent, type ReactNode, useId, useState } from "react";

interface DropProps {
  title: string;
  /** What the button says. */
  action: string;
  multiple?: boolean;
  /** What is wrong with what was chosen. */
  error?: string | null;
  /** Told of at least one file. */
  onFiles: (files: File[]) => void;
  /** Which files these may be. */
  children: ReactNode;
}

/** Where files are dropped or chosen: the label of a file field that only the keyboard sees. */
export function Drop({ title, action, multiple, error, onFiles, children }: DropProps) {
  const id = useId();
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null) => {
    if (files && files.length > 0) onFiles([...files]);
  };
  const drag = (event: DragEvent) => {
    event.preventDefault();
    setOver(event.type === "dragover");
    if (event.type === "drop") take(event.dataTransfer.files);
  };
  return (
    <>
      <label className={`empty drop ${isOver ? "over" : ""}`} onDragOver={drag} onDragLeave={drag} onDrop={drag}>
        <span className="empty-title">{title}</span>
        <span className="button">{action}</span>
        <input
          type="file"
          className="visually-hidden"
          multiple={multiple}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? id : undefined}
          onChange={(event) => take(event.target.files)}
        />
        <small>{children}</small>
      </label>
      {error && (
        <small id={id} className="field-error">
          {error}
        </small>
      )}
    </>
  );
}
