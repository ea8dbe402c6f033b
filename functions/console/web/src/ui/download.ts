/** The browser may read a file that it saves for a while after the click. */
const KEPT_MS = 60_000;

/** Has the browser save a text, or parts of one, as a file. It leaves the page's memory by no other way. */
export function download(name: string, text: string | Blob, type = "text/plain"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
