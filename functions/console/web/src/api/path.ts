/** Path parameters that are `type:value`. Only their first colon is a separator, and stays as it is. */
const SELECTORS = new Set(["profile", "identifier"]);

/** Puts values into a path of the API, each encoded so that it cannot become a part of the path. */
export function fillPath(path: string, values: Record<string, unknown>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name]);
    if (name === "tile") return value;
    return SELECTORS.has(name) ? encodeSelector(value) : encodeURIComponent(value);
  });
}

/** `type:value` as a part of a path. */
export function encodeSelector(selector: string): string {
  const colon = selector.indexOf(":");
  if (colon < 0) return encodeURIComponent(selector);
  return `${encodeURIComponent(selector.slice(0, colon))}:${encodeURIComponent(selector.slice(colon + 1))}`;
}
