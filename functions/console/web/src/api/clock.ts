/** How far this machine's clock is behind the server's, in milliseconds, by the last response. */
let behind = 0;

/** Notes the server's time of a response that has just arrived. Its header has whole seconds. */
export function noteServerTime(response: Response): void {
  const served = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(served)) return;
  const difference = served - Date.now();
  behind = Math.abs(difference) < 2_000 ? 0 : difference;
}

/** Now, by the server's clock: for times that the API is given. */
export function serverNow(): Date {
  return new Date(Date.now() + behind);
}
