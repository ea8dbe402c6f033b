#!/usr/bin/env python3
"""Acceptance test of `cargo local`: starts it as a user does and checks it over HTTP.

  python3 tests/acceptance.py                      a few minutes
  python3 tests/acceptance.py --profiles 10000     the full size of the `hostile` check
  python3 tests/acceptance.py --release --only bulk --rows 100000 --kills 10
  python3 tests/acceptance.py --only bulk --rows 100000 --bare      compare with the same store calls alone
  python3 tests/acceptance.py --release --only segments --members 100000 --kills 10
  python3 tests/acceptance.py --release --only journal --identifiers 100000 --journal-kills 20
  python3 tests/acceptance.py --only limits        one check

It needs Python 3 and what `cargo local` needs. The last line of its output is `N passed, N failed`.
It is one file, somewhat over 400 lines, because it must run as it is, without an installed package. Only the `journal`
check has a file beside it, tests/acceptance_journal.py, with its own reader of the log.
"""

import argparse
import base64
import collections
import contextlib
import csv
import datetime
import gzip
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import acceptance_journal
from acceptance_journal import wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCAL = threading.local()


class Site:
    """A running `cargo local`, stopped at the end of its `with` block."""

    def __init__(self, port, seed_lines=None, release=False):
        self.folder = tempfile.mkdtemp()
        command = ["cargo", "local", "--json", "--port", str(port)] + (["--release"] if release else [])
        if seed_lines is not None:
            path = os.path.join(self.folder, "seed.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in seed_lines)
            command += ["--seed", path]
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            print(self.log.read()[-5_000:])
            raise RuntimeError(f"cargo local ended with {self.process.wait()} before it was ready")
        self.ready = json.loads(line)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        self.emulator_log = os.path.join(target, "local", str(port), "emulator.log")
        self.host = urllib.parse.urlsplit(self.ready["url"]).netloc

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        shutil.rmtree(self.folder)

    def token(self, role="workspace_owner", space="spa_demo"):
        return self.ready["spaces"][space]["tokens"][role]

    def send(self, method, path, body=None, token=None, headers=None):
        """Sends one request on this thread's connection. Returns status, headers and body, a text if it is not JSON."""
        token = token or self.token()
        headers = {"Authorization": "Basic " + base64.b64encode((token + ":").encode()).decode(), **(headers or {})}
        if body is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        connection = getattr(LOCAL, self.host, None)
        for last in (False, True):
            if connection is None:
                connection = http.client.HTTPConnection(self.host, timeout=60)
                setattr(LOCAL, self.host, connection)
            try:
                sent = body if body is None or isinstance(body, bytes) else json.dumps(body)
                connection.request(method, path, sent, headers)
                reply = connection.getresponse()
                text = reply.read()
                is_text = reply.status == 200 and reply.headers.get("Content-Type", "").startswith("text/plain")
                return reply.status, reply.headers, text.decode() if is_text else json.loads(text)
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                connection = None
                if last:
                    raise

    def delete(self, user, id_type, value, space="spa_demo", **options):
        path = f"/v1/spaces/{space}/collections/users/profiles/user_id:{quote(user)}/external_ids/delete"
        body = {"delete_external_ids": [{"id": value, "type": id_type}]}
        return self.send("POST", path, body, token=self.token(space=space), **options)

    def external_ids(self, user, space="spa_demo"):
        path = f"/v1/spaces/{space}/collections/users/profiles/user_id:{quote(user)}/external_ids?limit=100"
        status, _, body = self.send("GET", path, token=self.token(space=space))
        assert status == 200, (status, body)
        return sorted((entry["type"], entry["id"]) for entry in body["data"])

    def items(self):
        """Reads every item of the table directly from the emulator: JSON text by key. Tokens without their last use."""
        table = self.table()
        items, start = {}, {}
        while True:
            page = self.aws("Scan", {"TableName": table, **start})
            for item in page["Items"]:
                item.pop("last_used_at", None)
                items[(item["pk"]["S"], item["sk"]["S"])] = json.dumps(item, sort_keys=True)
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def table(self):
        """The name of the table. The stack's other one is the journal."""
        return next(name for name in self.aws("ListTables", {})["TableNames"] if "-Table-" in name)

    def aws(self, operation, request):
        """Sends one request to the emulator's DynamoDB."""
        host = urllib.parse.urlsplit(self.ready["endpoint_url"]).netloc
        connection = http.client.HTTPConnection(host, timeout=120)
        scope = "Credential=000000000000/20260101/us-east-1/dynamodb/aws4_request"
        connection.request("POST", "/", json.dumps(request), {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        })
        reply = connection.getresponse()
        body = json.loads(reply.read())
        assert reply.status == 200, body
        return body


def quote(value):
    return urllib.parse.quote(value, safe="")


def profile(user, ids, space="spa_demo"):
    """A profile line with a `user_id` and other identifiers."""
    external_ids = [{"type": "user_id", "id": user}] + [{"type": t, "id": v} for t, v in ids]
    return {"space_id": space, "external_ids": external_ids, "timestamp": "2026-01-01T00:00:00Z"}


def readme(arguments):
    """The README's requests against the demo profiles, and a receipt for its deletion within 15 s, which others verify."""
    with Site(arguments.port) as site:
        command = Command(arguments.port, site.folder)
        status, _, body = site.delete("user_001", "email", "example@gmail.com")
        assert (status, body["code"]) == (200, "success"), (status, body)
        receipt_is_proof(site, command, "email:example@gmail.com")
        status, _, body = site.delete("user_001", "email", "example@gmail.com")
        assert (status, body["error"]["code"]) == (404, "eid_not_found"), (status, body)
        left = site.external_ids("user_001")
        assert ("email", "example@gmail.com") not in left and ("user_id", "user_001") in left, left
        status, _, body = site.send("GET", "/v1/spaces/spa_demo/deletions/email:example@gmail.com")
        assert (status, body["deletion"]["status"]) == (200, "deleted"), (status, body)
        for role, token in site.ready["tokens"].items():
            status, _, body = site.send("GET", "/v1/spaces/spa_demo/deletions/email:example@gmail.com", token=token)
            assert status == (403 if role == "administrator" else 200), (role, status, body)


def receipt_is_proof(site, command, identifier):
    """A receipt is there within 15 s of a deletion, holds for Efface and for an outsider, and not with one bit changed."""
    started = time.time()
    text = command("receipt", "get", identifier, "--space", "spa_demo")
    took = time.time() - started
    print(f"  the receipt was there {took:.1f} s after the deletion")
    assert took < 15, took
    receipt, key = os.path.join(site.folder, "r.txt"), os.path.join(site.folder, "log.key")
    with open(key, "w", encoding="utf-8") as file:
        file.write(command("log", "key", "--space", "spa_demo"))
    script = [sys.executable, os.path.join(ROOT, "docs", "verify_receipt.py"), "--key", key, "--identifier", identifier]
    middle = len(text) // 2
    for content, code in ((text, 0), (text[:middle] + chr(ord(text[middle]) ^ 1) + text[middle + 1:], 1)):
        with open(receipt, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        command("receipt", "verify", receipt, "--key", key, "--identifier", identifier, code=code)
        ran = subprocess.run([*script, receipt], capture_output=True, text=True, check=False)
        assert ran.returncode == code, (code, ran.stdout, ran.stderr)


def restart(arguments):
    """A function that was killed is started again."""
    with Site(arguments.port) as site:
        assert site.send("GET", "/health")[0] == 200
        for _ in range(3):
            functions = descendants(site.process.pid, "efface-api")
            assert functions, "no running function was found"
            for function in functions:
                os.kill(function, signal.SIGKILL)
            deadline = time.time() + 30
            while True:
                try:
                    if site.send("GET", "/health")[0] == 200:
                        break
                except (OSError, ValueError, http.client.HTTPException):
                    pass  # the function is not running yet
                assert time.time() < deadline, "the function was not started again within 30 s"
                time.sleep(0.2)


def limits(arguments):
    """Under ten seconds of requests at several times the limit, no second has more deletions than the limit."""
    limit = 20  # a slow machine with a debug build answers not many more than the 100 that a space has by default
    profiles = [profile(f"u{p}", [("anonymous_id", f"{p}-{i}") for i in range(12)]) for p in range(50)]
    lines = [{"space": {"id": "spa_demo", "deletions_per_second": limit}}, *profiles]
    with Site(arguments.port, lines, release=arguments.release) as site:
        targets = collections.deque((f"u{p}", f"{p}-{i}") for i in range(12) for p in range(50))
        lock, statuses, deleted = threading.Lock(), collections.Counter(), []
        until = time.time() + 10

        def send_deletions():
            while time.time() < until:
                with lock:
                    user, value = targets.popleft()
                status, headers, body = site.delete(user, "anonymous_id", value)
                with lock:
                    statuses[status] += 1
                    if status == 200:
                        deleted.append(value)
                    else:
                        targets.append((user, value))
                if status == 429:
                    assert headers["Retry-After"] == "1", headers
                    assert body["error"]["code"] == "rate_limit_error", body

        with ThreadPoolExecutor(16) as pool:
            for future in [pool.submit(send_deletions) for _ in range(16)]:
                future.result()
        seconds = collections.Counter()
        for value in deleted:
            _, _, body = site.send("GET", f"/v1/spaces/spa_demo/deletions/anonymous_id:{value}")
            seconds[body["deletion"]["deleted_at"][:19]] += 1
        print(f"  responses {dict(statuses)}, deletions per second {sorted(seconds.values())}")
        assert set(statuses) == {200, 429}, statuses
        assert statuses[429] > statuses[200], "too few requests were above the limit"
        assert max(seconds.values()) <= limit, seconds


HOSTILE = list("abcXYZ019 :/?#[]@!$&'()*+,;=%\"<>\\^`{|}~-._\0\t\n\r\x7f") + [
    "é", "ß", "İ", "漢", "字", "\u05e9", "\u0644", "\u202e", "\u200b", "\u0301", "😀", "🏳️‍🌈", "\ufeff", "\uffff",
    "%2F", "%00", "../", "user_id:", "/external_ids/delete", "' OR 1=1 --", "${jndi:x}", "\u2028",
]


def hostile_value(rng, number):
    """A unique value of random length, at most 2,048 bytes."""
    value = f"{number}"
    length = rng.choice([1, 3, 8, 20, 60]) if rng.random() < 0.97 else 2_000
    for piece in rng.choices(HOSTILE, k=length):
        if len((value + piece).encode()) > 2_048:
            break
        value += piece
    return value


def hostile(arguments):
    """Identifiers with hostile values are deleted, and no other item changes."""
    rng = random.Random(20261122)
    limits = {"deletions_per_second": 1000000, "deletions_per_second_per_profile": 1000000}
    lines = [{"space": {"id": "spa_demo", "source": "attached", **limits}}]
    people = []
    for number in range(arguments.profiles):
        user, email, other = (hostile_value(rng, f"{number}{kind}") for kind in "uea")
        people.append((user, email, other))
        lines.append(profile(user, [("email", email), ("anonymous_id", other)]))
    with Site(arguments.port, lines, release=arguments.release) as site:
        before = site.items()

        def delete_all(person):
            user, email, other = person
            for id_type, value in (("email", email), ("anonymous_id", other)):
                status, _, body = site.delete(user, id_type, value)
                assert status == 200, (person, status, body)
            assert site.external_ids(user) == [("user_id", user)], person
            path = f"/v1/spaces/spa_demo/deletions/email:{quote(email)}"
            status, _, body = site.send("GET", path)
            assert status == 200, (person, status, body)

        started = time.time()
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(delete_all, people):
                pass
        after = site.items()
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        changed = {key for key in changed if not key[0].startswith("R#")}
        tombstones = {key for key in changed if '"deleted"' in after.get(key, "")}
        took = time.time() - started
        print(f"  {2 * len(people)} identifiers in {took:.0f} s; {len(changed)} items changed")
        assert changed == tombstones and len(changed) == 2 * len(people), len(changed)


def bulk_page(arguments):
    """A page posted to the bulk endpoint becomes a job that ends, and the profile is gone from all reads."""
    with Site(arguments.port) as site:
        token = site.token("privacy_admin")
        page = {"column_names": ["_col0"], "column_types": ["varchar"],
                "data": [["user_id:user_002"], ["email:nobody@example.com"]]}
        headers = {"Authorization": f"TD1 {token}", "x-reactor-instance-name": "demo"}
        status, _, body = site.send("POST", "/internal/bulk-delete-internal", page, headers=headers)
        assert (status, body["accepted"]) == (202, 2), (status, body)
        job = ended(site, body["status_url"], 60)
        assert job["state"] == "completed" and (job["counts"]["deleted"], job["counts"]["not_found"]) == (1, 1), job
        for what in ("external_ids", "traits", "metadata"):
            path = f"/v1/spaces/spa_demo/collections/users/profiles/user_id:user_002/{what}"
            assert site.send("GET", path)[0] == 404, what
        for media_type in ("application/json", "text/csv", "application/gzip"):
            page = gzip.compress(b"email:nobody@example.com\nemail:caf\xe9\n")
            status, _, body = site.send("POST", "/internal/bulk-delete-internal", page,
                                        headers=headers | {"Content-Type": media_type})
            assert (status, body["accepted"], body["rejected_total"]) == (202, 1, 1), (media_type, status, body)
        status, _, body = site.send("POST", "/v1/spaces/spa_demo/deletion_jobs", b"\xff")
        assert (status, body["error"]["code"]) == (400, "bad_request"), (status, body)
        status, reply_headers, body = site.send("POST", "/internal/bulk-delete-internal", b"x" * 11_000_000, headers=headers)
        assert (status, body["error"]["code"], "Request-Id" in reply_headers) == (413, "payload_too_large", True), body
        status, _, body = site.send("DELETE", "/v1/spaces/spa_demo/collections/users/profiles/user_id:user_003")
        assert (status, body["receipt"]["counts"]["merges"]) == (200, 1), (status, body)


def ended(site, path, seconds):
    """Waits until a job has ended and returns it. Asserts that its counts always add up to its rows."""
    deadline = time.time() + seconds
    while True:
        status, _, body = site.send("GET", path)
        assert status == 200, (status, body)
        job = body["job"]
        assert sum(job["counts"].values()) + job["remaining"] == job["rows"], job
        if job["state"] in ("completed", "cancelled"):
            return job
        assert time.time() < deadline, job
        time.sleep(1)


def bulk_rows(rows, prefix, rng):
    """The lines of a file of rows, the people in it, and the expected counts."""
    people = [f"{prefix}{i}" for i in range(rows * 90 // 100)]
    lines = [f"user_id:{person}" for person in people]
    lines += [f"email:{person}@example.com" for person in rng.sample(people, rows * 5 // 100)]
    lines += [f"email:nobody{i}@example.com" for i in range(rows * 3 // 100)]
    lines += ["malformed" for _ in range(rows - len(lines))]
    rng.shuffle(lines)
    expected = {"deleted": len(people), "duplicate": rows * 5 // 100, "not_found": rows * 3 // 100,
                "invalid": rows - len(people) - rows * 5 // 100 - rows * 3 // 100, "protected": 0, "failed": 0,
                "changed": 0}
    return lines, people, expected


def bulk(arguments):
    """`efface bulk` has exact counts, also with workers killed meanwhile; running the same file again deletes nothing."""
    rows, rng = arguments.rows, random.Random(20261122)
    lines, people, expected = bulk_rows(rows, "u", rng)
    bare_lines, bare_people, _ = bulk_rows(rows if arguments.bare else 0, "b", rng)
    profiles = [profile(person, [("email", f"{person}@example.com")]) for person in people + bare_people]
    with Site(arguments.port, profiles, release=arguments.release) as site:
        path, bare_path = (os.path.join(site.folder, name) for name in ("people.txt", "bare.txt"))
        for name, content in ((path, lines), (bare_path, bare_lines)):
            with open(name, "w", encoding="utf-8") as file:
                file.write("\n".join(content) + "\n")
        with killing(site, arguments.kills, rng) as killed:
            started = time.time()
            counts = run_bulk(arguments.port, path)
            took = time.time() - started
        print(f"  {rows} rows in {took:.0f} s ({rows / took:.0f} rows/s), {killed[0]} workers killed: {counts}")
        assert counts == expected, (counts, expected)
        assert killed[0] >= arguments.kills, "the run ended before all kills"
        if arguments.bare:
            run_bare(arguments, bare_path)
        again = run_bulk(arguments.port, path)
        expected["not_found"] += expected["deleted"] + expected["duplicate"]
        expected["deleted"] = expected["duplicate"] = 0
        assert again == expected, (again, expected)


@contextlib.contextmanager
def killing(site, kills, rng):
    """Kills so many workers meanwhile, at random times. Yields a list with the number of those that were killed."""
    killed, stop = [0], threading.Event()

    def kill():
        while killed[0] < kills and not stop.wait(rng.uniform(1, 4)):
            for process in descendants(site.process.pid, "efface-bulk-wor")[:1]:
                os.kill(process, signal.SIGKILL)
                killed[0] += 1

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        stop.set()
        killer.join()


def run_bare(arguments, path):
    """Runs as many rows in one process, on the same table, and prints the rate."""
    settings = os.path.join(ROOT, "target", "local", str(arguments.port), "env")
    command = ["cargo", "run", "-q"] + (["--release"] if arguments.release else [])
    command += ["--bin", "soak", "--", "--bare", settings, "--rows-file", path]
    subprocess.run(command + ["--help"], cwd=ROOT, capture_output=True, check=True)  # builds it
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    print(f"  {ran.stdout.strip()}")


def run_bulk(port, path):
    """Runs `efface bulk` on a file and returns the counts of its job."""
    return json.loads(efface(port, "bulk", path, "--space", "spa_demo", "--yes", "--json"))["job"]["counts"]


def plans(arguments):
    """A plan is executed but for what changed; a large job waits for a second token, another for its time, a client for all."""
    rows, jobs = arguments.rows, "/v1/spaces/spa_demo/deletion_jobs"
    people = [f"u{i}" for i in range(rows)]
    profiles = [profile(person, [("email", f"{person}@example.com")]) for person in people + ["v1", "v2", "v3", "w"]]
    guarded = {"space": {"id": "spa_demo", "approval_over": rows + 1, "reactor_instances": ["demo"]}}
    with Site(arguments.port, [guarded] + profiles, release=arguments.release) as site:
        started = time.time()
        body = {"action": "delete_profile", "rows": [f"user_id:{person}" for person in people], "dry_run": True}
        status, _, planned = site.send("POST", jobs, body)
        assert status in (200, 202), (status, planned)
        plan = ended(site, f"{jobs}/{planned['job']['id']}", 600)
        assert plan["plan"]["profiles"] == rows, plan
        print(f"  {rows} rows planned in {time.time() - started:.0f} s, at once: {status == 200}")
        changed = os.path.join(site.folder, "changed.jsonl")
        with open(changed, "w", encoding="utf-8") as file:
            for person in people[::100]:
                line = profile(person, [("email", f"new-{person}@example.com")])
                file.write(json.dumps(line | {"timestamp": "2027-01-01T00:00:00Z"}) + "\n")
        efface(arguments.port, "load", changed)
        started = time.time()
        status, _, executed = site.send("POST", f"{jobs}/{plan['id']}/execute", {})
        assert status == 202, executed
        job = ended(site, f"{jobs}/{executed['job']['id']}", 600)
        counts = {name: count for name, count in job["counts"].items() if count}
        print(f"  executed in {time.time() - started:.0f} s: {counts}, {job['verdict']}")
        assert counts == {"deleted": rows - len(people[::100]), "changed": len(people[::100])}, job
        assert len(site.external_ids(people[0])) == 3 and len(site.external_ids(people[100])) == 3

        # A job over `approval_over`, with the other jobs of its group, does nothing until a second token approves it.
        page = [f"email:nobody{i}@example.com" for i in range(rows)] + ["user_id:v1", "user_id:v2"]
        status, _, body = site.send("POST", jobs, {"action": "delete_profile", "rows": page, "group": "run"})
        waits = f"{jobs}/{body['job']['id']}"
        time.sleep(3)
        assert site.send("GET", waits)[2]["job"]["state"] == "awaiting_approval" and len(site.external_ids("v1")) == 2
        assert site.send("POST", f"{waits}/approve", {})[2]["error"]["code"] == "own_job"
        status, reply_headers, body = site.send("GET", f"{jobs}?group=run&until=settled&require=none_failed")
        assert (status, reply_headers["Retry-After"]) == (408, "5") and "approval" in body["error"]["message"], body
        status, _, body = site.send("POST", f"{waits}/approve", {}, token=site.token("privacy_admin"))
        assert status == 202, body
        # curl waits for it as a workflow does.
        url = f"{site.ready['url']}{jobs}?group=run&until=settled&require=none_failed&rows={rows + 2}"
        end = os.path.join(site.folder, "end.json")
        curl = ["curl", "--silent", "--fail-with-body", "--output", end, "--retry", "100", "--user", f"{site.token()}:", url]
        waited = subprocess.run(curl, check=False, timeout=600)
        with open(end, encoding="utf-8") as file:
            body = json.load(file)
        assert (waited.returncode, body["counts"]["deleted"]) == (0, 2), (waited, body)

        # A job with a time can be cancelled before it, and has deleted nothing then; else it starts by itself.
        at = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)) for seconds in (3600, 5)]
        status, _, body = site.send("POST", jobs, {"action": "delete_profile", "rows": ["user_id:v3"], "start_at": at[0]})
        assert site.send("POST", f"{jobs}/{body['job']['id']}/cancel", {})[2]["job"]["verdict"] == "stopped"
        assert len(site.external_ids("v3")) == 2
        status, _, body = site.send("POST", jobs, {"action": "delete_profile", "rows": ["user_id:w"], "start_at": at[1]})
        assert body["job"]["state"] == "scheduled", body
        assert ended(site, f"{jobs}/{body['job']['id']}", 150)["verdict"] == "complete"
        events = [event["kind"] for event in site.send("GET", f"{jobs}/{body['job']['id']}/events")[2]["data"]]
        assert events[:4] == ["created", "scheduled", "started", "completed"], events


def dataset(arguments):
    """The two requests of the older API answer exactly as their clients know it."""
    people = [profile(person, [("email", f"{person}@example.com")]) for person in ("u1", "u2", "u3", "u4")]
    with Site(arguments.port, people, release=arguments.release) as site:
        path = os.path.join(site.folder, "users.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("name\nu1\nu2@example.com\nu3\n")
        base = f"{site.ready['url']}/api/dataset/spa_demo"
        curl = ["curl", "--silent", "--write-out", "|%{http_code}|%{content_type}", "--user", f"tok_0123456789abcdef:{site.token('privacy_admin')}"]
        for deleted in (3, 0):
            posted = subprocess.run(curl + ["--form", f"file=@{path}", f"{base}/users/delete"], capture_output=True, check=True)
            expected = f"Deleted {deleted} users (3 requested)|200|text/plain; charset=utf-8"
            assert posted.stdout.decode() == expected, posted.stdout
        shown = subprocess.run(curl + [f"{base}/user/u4"], capture_output=True, check=True).stdout.decode()
        body, status, media_type = shown.rsplit("|", 2)
        assert (status, media_type) == ("200", "application/json"), shown
        assert {"type": "user_id", "id": "u4"} in json.loads(body)["external_ids"], body
        gone = subprocess.run(curl + [f"{base}/user/u1"], capture_output=True, check=True).stdout.decode()
        assert gone.rsplit("|", 2)[1] == "404", gone


SEGMENTS = "/v1/spaces/spa_demo/segments"
PHASES = ["waiting", "preparing", "deleting", "sweeping", "settling"]


def crowd(number):
    """The lines of so many people in `seg_all`, and how many memberships they have."""
    lines = []
    for i in range(number):
        segments = [[], ["seg_all"]][i % 20 != 7] + [[], ["seg_other"]][i % 10 == 0]
        lines.append(profile(f"m{i}", [("email", f"m{i}@example.com")][:i % 2]) | {"segments": segments})
        if i % 20 in (3, 7):  # another profile was merged into it, which is a member beside it, or instead of it
            ids = [{"type": "anonymous_id", "id": f"a{i}"}]
            target = {"type": "user_id", "id": f"m{i}"}
            lines.append(lines[-1] | {"external_ids": ids, "segments": ["seg_all"], "merged_into": target})
    return lines, sum("seg_all" in line["segments"] for line in lines)


class Joins:
    """People who try to join `seg_all` until its job is over: half by a load, half by a request."""

    def __init__(self, site, port, people, most):
        self.site, self.port, self.most, self.over = site, port, most, threading.Event()
        self.posting, self.loading = people[::2], people[1::2]
        self.joined, self.refused, self.tried, self.loaded, self.tries = set(), set(), set(), 0, 0

    def may_try(self):
        """Waits where more would be too many for the job, until the segment is disabled. `False` at the end."""
        while len(self.joined) + self.loaded >= self.most and not self.over.wait(0.1):
            if self.site.send("GET", f"{SEGMENTS}/seg_all")[2]["segment"]["state"] == "disabled":
                break
        return not self.over.wait(0.1)

    def post(self):
        while self.posting and self.may_try():
            person = self.posting.pop(0)
            body = {"rows": [f"user_id:{person}"]}
            status, _, body = self.site.send("POST", f"{SEGMENTS}/seg_all/members", body)
            self.tries += 1
            if status == 200:
                assert (body["added"], person in self.refused) == (1, False), body
                self.joined.add(person)
            else:
                assert (status, body["error"]["code"]) == (409, "segment_disabled"), (status, body)
                self.refused.add(person)
                self.posting.append(person)

    def load(self):
        path = os.path.join(self.site.folder, "joins.jsonl")
        size = max(1, len(self.loading) // 5)
        parts = [self.loading[at:at + size] for at in range(0, len(self.loading), size)]
        while parts and self.may_try():
            part = parts.pop(0)
            with open(path, "w", encoding="utf-8") as file:
                for person in part:
                    file.write(json.dumps(profile(person, []) | {"segments": ["seg_all"]}) + "\n")
            left_out = json.loads(efface(self.port, "load", path, "--json"))["memberships"]["left_out"]
            self.tries += len(part)
            self.tried.update(part)
            self.loaded += len(part) - left_out
            if left_out == len(part):
                parts.append(part)

    def check(self):
        """Whoever joined is gone, and all others are there."""
        there = {person for person in self.refused | self.joined | self.tried if exists(self.site, person)}
        assert there >= self.refused and not there & self.joined, (there, self.refused, self.joined)
        assert len(there & self.tried) == len(self.tried) - self.loaded, (there, self.loaded)
        print(f"  {self.tries} tries to join: {len(self.joined)} joined by a request and {self.loaded} by a load, "
              f"who are deleted; {len(there)} did not, and are there")
        assert self.refused and len(there) > len(self.refused), "nobody tried to join while it was disabled"


def exists(site, person):
    status, _, _ = site.send("GET", f"/v1/spaces/spa_demo/collections/users/profiles/user_id:{person}/external_ids")
    assert status in (200, 404), status
    return status == 200


def follow(site, path, seconds):
    """Follows the job of a segment to its end. Returns it, and the time at which all rows were decided first."""
    phases, decided, readings, deleted_at, deadline = ["waiting"], 0, set(), None, time.time() + seconds
    while True:
        status, _, body = site.send("GET", path)
        assert status == 200, (status, body)
        job, now = body["job"], time.time()
        done = sum(job["counts"].values())
        assert done + job["remaining"] == job["rows"] and decided <= done, (job, decided)
        decided = done
        readings.add(done)
        if job["phase"] != phases[-1] and job["state"] != "completed":
            phases.append(job["phase"])
        if deleted_at is None and job["phase"] in ("sweeping", "settling"):
            deleted_at = now
        if job["state"] == "completed":
            break
        assert now < deadline and job["state"] in ("queued", "running"), job
        time.sleep(0.1)
    print(f"  {' > '.join(phases)}; {len(readings)} numbers of decided rows were seen")
    # A phase may be over before it is seen; after the settling time the segment is looked through once more.
    for before, after in zip(phases, phases[1:]):
        assert PHASES.index(after) > PHASES.index(before) or (before, after) == ("settling", "sweeping"), phases
    assert {"deleting", "settling"} <= set(phases), phases
    assert len(readings) > 2, readings
    return job, deleted_at


def left(site, segment):
    """How many members a segment has: counted, listed, and read from all shards of the table. And its closed gates."""
    counted = site.send("GET", f"{SEGMENTS}/{segment}?count=true")[2]["segment"]["members"]
    listed, following = 0, ""
    while following is not None:
        body = site.send("GET", f"{SEGMENTS}/{segment}/members?limit=100&next={following}")[2]
        listed += len(body["data"])
        following = body["cursor"]["next"] if body["cursor"]["has_more"] else None
    table, items = site.table(), []
    for shard in range(256):
        key = {":pk": {"S": f"M#spa_demo#{segment}#{shard:02x}"}}
        query = {"TableName": table, "KeyConditionExpression": "pk = :pk", "ConsistentRead": True}
        page = site.aws("Query", query | {"ExpressionAttributeValues": key})
        assert "LastEvaluatedKey" not in page, shard
        items += [item["sk"]["S"] for item in page["Items"]]
    return counted, listed, sum(item.startswith("use_") for item in items), items.count("-")


def segments(arguments):
    """Everyone in a segment is deleted, also with workers killed meanwhile, and nobody joins it until it is enabled again."""
    number, joiners = arguments.members, 1_000 if arguments.members >= 100_000 else 50
    lines, memberships = crowd(number)
    people = [f"j{i}" for i in range(joiners)]
    others = [f"o{i}" for i in range(number // 10)]
    lines += [profile(person, []) for person in people[::2]]
    lines += [profile(person, []) | {"segments": ["seg_other"]} for person in others]
    limits = {"settling_seconds": 5, "jobs_per_second": 1_000, "reads_per_second": 1_000}
    with Site(arguments.port, [{"space": {"id": "spa_demo", **limits}}] + lines, release=arguments.release) as site:
        efface(arguments.port, "segments", "list", "--space", "spa_demo")  # builds it
        status, _, body = site.send("POST", f"{SEGMENTS}/seg_all/delete_users")
        assert (status, body["error"]["code"]) == (409, "confirmation_required"), (status, body)
        assert body["plan"]["members"] == memberships, body
        joins = Joins(site, arguments.port, people, memberships // 150)
        with killing(site, arguments.kills, random.Random(20261122)) as killed, ThreadPoolExecutor(2) as pool:
            trying = [pool.submit(joins.post), pool.submit(joins.load)]
            try:
                confirmed = {"confirm": True, "expected_members": memberships}
                status, _, body = site.send("POST", f"{SEGMENTS}/seg_all/delete_users", confirmed)
                assert (status, body["job"]["expected_members"]) == (202, memberships), (status, body)
                path = f"/v1/spaces/spa_demo/deletion_jobs/{body['job']['id']}"
                job, deleted_at = follow(site, path, 3_600)
            finally:
                joins.over.set()
        for future in trying:
            future.result()
        counts = {name: count for name, count in job["counts"].items() if count}
        started_at = datetime.datetime.fromisoformat(job["started_at"].replace("Z", "+00:00")).timestamp()
        took = deleted_at - started_at
        print(f"  {job['rows']} members of {number} people deleted in {took:.0f} s ({job['rows'] / took:.0f} members/s), "
              f"{killed[0]} workers killed: {counts}")
        assert (job["verdict"], job["members_left"]) == ("complete", 0), job
        joined = len(joins.joined) + joins.loaded
        assert counts == {"deleted": number + joined, "duplicate": memberships - number}, (counts, joined)
        assert killed[0] >= arguments.kills, "the run ended before all kills"
        assert left(site, "seg_all") == (0, 0, 0, 256), left(site, "seg_all")
        joins.check()
        assert left(site, "seg_other") == (len(others),) * 3 + (0,), left(site, "seg_other")
        assert all(site.external_ids(person) == [("user_id", person)] for person in others[::max(1, number // 10_000)])
        assert not any(exists(site, f"m{i}") for i in range(0, number, max(1, number // 1_000)))
        verified = wait_for(150, lambda: site.send("GET", path)[2]["job"]["verified_at"])
        print(f"  0 members left, counted, listed and in 256 shards of the table; verified at {verified}")
        status, _, body = site.send("POST", f"{SEGMENTS}/seg_all/enable", {})
        assert (status, body["segment"]["state"]) == (200, "enabled"), (status, body)
        body = site.send("POST", f"{SEGMENTS}/seg_all/members", {"rows": [f"user_id:{min(joins.refused)}"]})[2]
        assert body["added"] == 1 and left(site, "seg_all") == (1, 1, 1, 0), body


def on_call(arguments):
    """A file's report adds up with its job: paused, resumed, stopped by a signal and by an operator, and run twice."""
    rows, pages = arguments.file_rows, f"--page-size={max(arguments.file_rows // 20, 1)}"
    fields = [("user_id", f"nobody{i}" if i % 10 == 3 else "" if i % 100 == 7 else f"f{i}", f"Row {i}, \"quoted\"") for i in range(rows)]
    people = [value for _, value, _ in fields if value.startswith("f")]
    with Site(arguments.port, [profile(person, []) for person in people], release=arguments.release) as site:
        path, space = os.path.join(site.folder, "people.csv"), ["--space", "spa_demo"]
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("key", "value", "note"), *fields])
        run = Command(arguments.port, site.folder)
        bulk_command = ["bulk", path, pages, "--yes", "--idempotency-key", "on-call", *space]

        # It is paused while `efface bulk` follows it, which then ends with a code of its own.
        followed = run.start(*bulk_command, "--report", "paused.csv")
        jobs = "/v1/spaces/spa_demo/deletion_jobs"
        job = wait_for(120, lambda: site.send("GET", f"{jobs}?state=running")[2]["data"])[0]["id"]

        def read():
            status, _, body = site.send("GET", f"{jobs}/{job}")
            assert status == 200, (status, body)
            return body["job"]

        wait_for(60, lambda: read()["counts"]["deleted"] > rows // 20, pause=0.05)
        run("jobs", "pause", job, *space)
        out, error = followed.communicate(timeout=60)
        assert followed.returncode == 6, (followed.returncode, out, error)
        paused = read()
        assert paused["state"] == "paused" and 0 < paused["counts"]["deleted"] < len(people), paused
        report_fits(site, "paused.csv", fields, paused)
        status = run("jobs", "status", job, *space)
        assert "waits for a person" in status and "by the token" in status, status

        # The same command goes on with the same job; SIGTERM ends it, and not the job.
        run("jobs", "resume", job, *space)
        followed = run.start(*bulk_command, "--report", "terminated.csv")
        wait_for(60, lambda: read()["counts"]["deleted"] > paused["counts"]["deleted"], pause=0.05)
        followed.send_signal(signal.SIGTERM)

        # An operator stops everything. Nothing is deleted afterwards. What was interrupted is looked at after that: the job
        # would end meanwhile.
        before = read()["counts"]["deleted"]
        stopped = json.loads(run("--json", "admin", "stop", "--all"))
        after = read()
        out, error = followed.communicate(timeout=60)
        assert followed.returncode == 143, (followed.returncode, out, error)
        report_fits(site, "terminated.csv", fields)
        assert after["state"] == "paused" and stopped["in_flight"]["nothing_in_flight"], (after, stopped)
        time.sleep(5)
        assert read()["counts"] == after["counts"], (after, read())
        print(f"  {before} were counted as deleted before the emergency stop, {after['counts']['deleted']} when it was over, "
              f"of {len(people)}; none in the 5 s after it")
        run("jobs", "report", job, "--file", path, pages, "--report", "stopped.csv", *space)
        report_fits(site, "stopped.csv", fields, after)
        code, _, body = site.send("POST", jobs, {"action": "delete_profile", "rows": ["user_id:f0"]})
        assert code == 403, (code, body)
        run("admin", "start", "--all", "--yes")
        wait_for(300, lambda: read()["state"] == "completed")
        run("jobs", "report", job, "--file", path, pages, "--report", "completed.csv", *space)
        completed = read()
        assert completed["counts"]["deleted"] == len(people) and completed["counts"]["failed"] == 0, completed
        report_fits(site, "completed.csv", fields, completed)

        # The file again, as another job: nothing is found, and the report says that it was deleted before.
        again = ["bulk", path, pages, "--yes", "--fail-on", "not_found", "--report", "again.csv", *space]
        again = json.loads(run("--json", *again, code=4))["job"]
        codes = report_fits(site, "again.csv", fields, again)
        assert codes["deleted_before"] == len(people) and again["counts"]["deleted"] == 0, (codes, again)
        run("bulk", path, pages, "--yes", "--max-invalid", "0.5%", *space, code=5)
        print(f"  {rows} rows, of which {completed['counts']} at the end; seen again: {dict(codes)}")


def journal(arguments):
    """Each deletion of a job is one entry of the log, and has a receipt, also with both functions killed meanwhile."""
    people = [f"u{i}" for i in range(arguments.identifiers)]
    singles = [f"s{i}" for i in range(acceptance_journal.singles(arguments.identifiers))]
    profiles = [profile(person, []) for person in people]
    profiles += [profile(person, [("email", f"{person}@example.com")]) for person in singles]
    space = {"space": {"id": "spa_demo", "reads_per_second": 10_000}}
    with Site(arguments.port, [space] + profiles, release=arguments.release) as site:
        acceptance_journal.check(site, Command(arguments.port, site.folder), descendants, people, singles, arguments)


class Command:
    """The `efface` command on a running `cargo local`, in a folder."""

    def __init__(self, port, folder):
        subprocess.run(["cargo", "build", "-q", "--bin", "efface"], cwd=ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        self.start_of_line = [os.path.join(ROOT, target, "debug", "efface"), f"--local={port}"]
        self.folder = folder

    def start(self, *arguments):
        # `--local` finds the running site below the folder of the repository; files are named in `folder`.
        arguments = [os.path.join(self.folder, a) if a.endswith(".csv") and os.sep not in a else a for a in arguments]
        command = [*self.start_of_line, *arguments]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *arguments, code=0, timeout=600):
        ran = self.start(*arguments)
        out, error = ran.communicate(timeout=timeout)
        assert ran.returncode == code, (arguments, ran.returncode, out[-2_000:], error[-2_000:])
        return out


def report_fits(site, name, fields, job=None):
    """Checks that a report has every line of the file as it is there, and adds up with the job. Its codes, counted."""
    with open(os.path.join(site.folder, name), encoding="utf-8", newline="") as file:
        report = list(csv.DictReader(file))
    assert [(line["key"], line["value"], line["note"]) for line in report] == fields
    assert [int(line["line"]) for line in report] == list(range(2, len(fields) + 2))
    counts = collections.Counter(line["outcome"] for line in report)
    if job is not None:
        expected = {**job["counts"], "pending": job["remaining"]}
        assert counts == {outcome: count for outcome, count in expected.items() if count}, (name, counts, job)
        assert sum(expected.values()) == job["rows"] == len(fields), job
    return collections.Counter(line["code"] for line in report)


def efface(port, *arguments):
    """Runs the `efface` command on a running `cargo local`."""
    command = ["cargo", "run", "-q", "--bin", "efface", "--", f"--local={port}", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (ran.returncode, ran.stdout, ran.stderr[-2_000:])
    return ran.stdout


def descendants(parent, name):
    """The ids of all descendants of a process that have a name, as `ps` truncates it."""
    table = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    children, names = collections.defaultdict(list), {}
    for line in table.splitlines():
        pid, ppid, comm = line.split(None, 2)
        children[int(ppid)].append(int(pid))
        names[int(pid)] = comm.strip()
    found, todo = [], [parent]
    while todo:
        process = todo.pop()
        todo += children[process]
        if names.get(process) == name:
            found.append(process)
    return found


def schema(arguments):
    """schemathesis finds no 5xx and no response that deviates from the OpenAPI document."""
    tools = os.path.join(ROOT, "target", "tools", "schemathesis")
    program = os.path.join(tools, "bin", "schemathesis")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        subprocess.run([os.path.join(tools, "bin", "pip"), "install", "-q", "schemathesis==4.32.5"], check=True)
    with Site(arguments.port, release=arguments.release) as site:
        token = base64.b64encode((site.token() + ":").encode()).decode()
        command = [
            program, "run", os.path.join(ROOT, "infra", "openapi.json"), "--url", site.ready["url"],
            "--header", f"Authorization: Basic {token}", "--max-examples", str(arguments.examples), "--seed", "1",
            "--phases", "examples,coverage,fuzzing",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_headers_conformance,response_schema_conformance,unsupported_method",
        ]
        found = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, check=False)
        counts = [line.strip() for line in found.stdout.splitlines() if " generated, " in line]
        print(f"  {', '.join(counts)}")
        assert found.returncode == 0, found.stdout + found.stderr


CHECKS = [readme, bulk_page, restart, limits, hostile, bulk, plans, segments, journal, on_call, dataset, schema]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000, help="the port to run cargo local on (9000)")
    parser.add_argument("--profiles", type=int, default=500, help="profiles of the `hostile` check (500)")
    parser.add_argument("--rows", type=int, default=2_000, help="rows of the `bulk` and `plans` checks (2,000; in full 100,000 and 10,000)")
    parser.add_argument("--kills", type=int, default=0, help="workers killed during the `bulk` and `segments` checks (0)")
    parser.add_argument("--members", type=int, default=2_000, help="people in the segment of the `segments` check (2,000; in full 100,000)")
    parser.add_argument("--identifiers", type=int, default=1_000, help="identifiers that the job of the `journal` check deletes (1,000; in full 100,000)")
    parser.add_argument("--journal-kills", type=int, default=3, help="processes of each function killed during the `journal` check (3; in full 20)")
    parser.add_argument("--file-rows", type=int, default=8_000, help="rows of the file of the `on_call` check (8,000)")
    parser.add_argument("--release", action="store_true", help="build the functions with optimisations, for figures")
    parser.add_argument("--bare", action="store_true", help="compare the `bulk` check with the same store calls alone")
    parser.add_argument("--examples", type=int, default=40, help="schemathesis examples per operation (40)")
    parser.add_argument("--only", choices=[check.__name__ for check in CHECKS], help="run one check")
    arguments = parser.parse_args()
    failed = 0
    checks = [check for check in CHECKS if arguments.only in (None, check.__name__)]
    for check in checks:
        print(f"{check.__name__}: {check.__doc__}", flush=True)
        started = time.time()
        try:
            check(arguments)
        except Exception:  # the other checks still run
            traceback.print_exc()
            failed += 1
        print(f"  {time.time() - started:.0f} s", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
