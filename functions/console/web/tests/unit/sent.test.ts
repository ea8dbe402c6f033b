import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/api/problem.ts";
import { isOpen, SentRequests } from "../../src/ui/sent.ts";

const problem = (status: number) => new Problem(status, "x", "x", null);

function once(requests: SentRequests, input: unknown, fault?: unknown) {
  const sent = requests.begin("execute", input);
  requests.end("execute", sent.key, fault);
  return sent;
}

const isUncertain = (requests: SentRequests) => {
  const kept = requests.store.get().get("execute");
  return kept !== undefined && isOpen(kept);
};

test("while a response is lost, the same request is sent, whatever is asked for", () => {
  for (const fault of [problem(0), problem(503), problem(408), new TypeError("x")]) {
    const requests = new SentRequests();
    const first = once(requests, { most: 1 }, fault);
    assert.ok(isUncertain(requests));
    const second = requests.begin("execute", { most: 2 });
    assert.deepEqual([second.key, second.input], [first.key, { most: 1 }]);
    requests.end("execute", second.key);
    assert.ok(!isUncertain(requests));
    assert.notEqual(requests.begin("execute", { most: 1 }).key, first.key, "after a success it is another request");
  }
});

test("who may not ask does not learn what has become of a lost request", () => {
  for (const status of [401, 403, 429]) {
    const requests = new SentRequests();
    const { key } = once(requests, 1, problem(status));
    assert.ok(!isUncertain(requests), "the first one was rejected");
    assert.equal(once(requests, 1, problem(0)).key, key);
    once(requests, 1, problem(status));
    assert.ok(isUncertain(requests), `${status}`);
    assert.equal(once(requests, 2).key, key);
  }
});

test("a rejection ends a request, and so does somebody who has looked", () => {
  const requests = new SentRequests();
  const { key } = once(requests, 1, problem(0));
  once(requests, 1, problem(409));
  assert.ok(!isUncertain(requests));
  const next = once(requests, 1, problem(0));
  assert.notEqual(next.key, key);
  requests.forget("execute");
  assert.notEqual(once(requests, 1).key, next.key);
});

test("a request on its way is open, and one of a session that has ended comes to nothing", () => {
  const requests = new SentRequests();
  const { key } = requests.begin("execute", 1);
  assert.ok(isUncertain(requests));
  requests.clear();
  requests.end("execute", key, problem(0));
  assert.ok(!isUncertain(requests));
});

test("what cannot happen twice is another request with another input", () => {
  const requests = new SentRequests();
  const { key } = once(requests, "pause", problem(0));
  assert.equal(requests.begin("execute", "pause", true).key, key);
  assert.notEqual(requests.begin("execute", "resume", true).key, key);
});
