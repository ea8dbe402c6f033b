/** How many of the last pages were empty. */
export function emptyAtEnd(pages: readonly { data: readonly unknown[] }[]): number {
  const last = pages.findLastIndex(({ data }) => data.length > 0);
  return pages.length - 1 - last;
}
