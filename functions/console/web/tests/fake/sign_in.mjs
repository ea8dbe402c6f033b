import { randomBytes } from "node:crypto";

/** The links with one-time codes, which `cargo local` prints as well. */
export class SignIn {
  #codes = new Set();

  /** A new code, which works once. */
  code() {
    const code = randomBytes(16).toString("base64url");
    this.#codes.add(code);
    return code;
  }

  /** Exchanges a code for a token. */
  respond(request, body) {
    const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    const { code } = request.method === "POST" ? JSON.parse(body.toString()) : {};
    if (this.#codes.delete(code)) {
      const content = JSON.stringify({ space_id: "spa_demo", token: "eff_workspace_owner" });
      return { status: 200, headers, content };
    }
    const message =
      "This link was used before, or is older than 60 seconds. Press Enter in the terminal of `cargo local` for a new one.";
    return { status: 401, headers, content: JSON.stringify({ error: { code: "link_expired", message } }) };
  }
}
