import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { SPACE } from "./harness.mjs";

/** How often a request that has to wait is sent again, as long as the response says. */
const TRIES = 60;

/** The API, for what a test needs beside the console. */
export function apiOf(ready, token, space = SPACE) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const send = async (method, path, body) => {
    const once = method === "GET" ? {} : { "Idempotency-Key": randomUUID() };
    const request = { method, headers: { ...headers, ...once }, ...(body && { body: JSON.stringify(body) }) };
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(`${ready.url}/v1/spaces/${space}/${path}`, request);
      if (response.ok || tries === TRIES || !response.headers.has("Retry-After")) {
        assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? "" : await response.text()}`);
        return response;
      }
      await wait(Number(response.headers.get("Retry-After")) * 1_000);
    }
  };
  return {
    json: async (method, path, body) => (await send(method, path, body)).json(),
    text: async (path) => (await send("GET", path)).text(),
  };
}
