/** Why a request is rejected: the status, code and message of the API, and what stands beside the error. */
export class Problem extends Error {
  constructor(status, code, message, { headers = {}, beside = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.beside = beside;
  }
}

/** A text of the client in a message: at most 64 characters of it. */
export const quoted = (text) => `\`${[...String(text)].slice(0, 64).join("")}\``;

export const badRequest = (message) => new Problem(400, "bad_request", message);
export const notFound = (what) => new Problem(404, "not_found", `${what} was not found.`);
export const unauthorized = () =>
  new Problem(401, "unauthorized", "The specified token is invalid.", { headers: { "WWW-Authenticate": "Basic" } });
export const forbidden = (words) => new Problem(403, "forbidden", `The token's role may not ${words}.`);
export const unavailable = () =>
  new Problem(
    503,
    "service_unavailable",
    "The service is temporarily unavailable. Send the request again with the same Idempotency-Key.",
    { headers: { "Retry-After": "2" } },
  );
export const invalidState = (state, done) =>
  new Problem(409, "invalid_state", `A job that is ${state} can't be ${done}.`);
export const notExecutable = (message) => new Problem(409, "invalid_state", message);
export const journalOff = () =>
  new Problem(409, "journal_off", "This deployment keeps no audit log: its parameter `Journal` is off.");
export const notLoggedYet = () =>
  new Problem(409, "not_logged_yet", "It is not in the log yet; ask again after as many seconds as Retry-After says.", {
    headers: { "Retry-After": "1" },
  });
export const unsupportedType = () => new Problem(400, "unsupported_eid_type", "Unsupported external id type.");
