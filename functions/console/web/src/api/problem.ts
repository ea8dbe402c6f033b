/** An error that people read: one of the API's, or that there was no response. */
export class Problem extends Error {
  /** The status; 0 where there was no response. */
  readonly status: number;
  /** The API's code for programs, or `no_response`. */
  readonly code: string;
  /** Leads to the request's lines in the service's log. */
  readonly requestId: string | null;

  constructor(status: number, code: string, message: string, requestId: string | null) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }

  /** Of a response that is no success. Its body may be anything: a gateway may have answered. */
  static of(response: Response, body: unknown): Problem {
    const { code, message } = errorOf(body) ?? {
      code: `http_${response.status}`,
      message: "The response has no message.",
    };
    return new Problem(response.status, code, message, response.headers.get("Request-Id"));
  }

  /** Of a request that got no response, or none in time. What it asked for may have happened. */
  static noResponse(cause: unknown): Problem {
    const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
    const what = isLate ? "There was no response in time." : "There was no response.";
    return new Problem(0, "no_response", `${what} Check the connection, then try again.`, null);
  }

  /** Whether the same request may succeed later, and may have had its effect. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Whether something is a problem with this status or code. */
export function isProblem(error: unknown, what: number | string): error is Problem {
  return error instanceof Problem && (error.status === what || error.code === what);
}

function errorOf(body: unknown): { code: string; message: string } | null {
  if (typeof body !== "object" || body === null || !("error" in body)) return null;
  const error = body.error as { code?: unknown; message?: unknown } | null;
  return typeof error?.code === "string" && typeof error.message === "string"
    ? { code: error.code, message: error.message }
    : null;
}
