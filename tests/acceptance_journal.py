"""The `journal` check of tests/acceptance.py: the audit log of a job whose functions are killed, as an outsider reads it.

It is a file of its own because it has its own reader of the log's files, and runs the programs of others; one, somewhat
over 400 lines, because these share the log that they look at. It is not run by itself:

  python3 tests/acceptance.py --only journal                     a minute
  python3 tests/acceptance.py --release --only journal --identifiers 100000 --journal-kills 20

Programs of others that verify the log are run where they are installed; CONTRIBUTING.md says how to install them.
"""

import base64
import contextlib
import datetime
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VERIFY_RECEIPT = os.path.join(ROOT, "docs", "verify_receipt.py")
VERIFY_LOG = os.path.join(ROOT, "tests", "verifiers", "log.go")
SPACE = "/v1/spaces/spa_demo"
# The names of the processes, as far as Linux shows them.
FUNCTIONS = {"change-capture": "efface-change-c", "audit-log": "efface-audit-lo"}
# How many receipts of the job are fetched, and how many of them docs/verify_receipt.py verifies as well.
RECEIPTS, BY_SCRIPT = 50, 10


def singles(identifiers):
    """How many deletions are made one by one: at full size so many that a 99th percentile says something."""
    return 200 if identifiers >= 50_000 else 30


def check(site, command, descendants, people, singles, arguments):
    """Deletes people with a job, and checks what the log has of it. Deletes an identifier of each of `singles` afterwards."""
    rng = random.Random(20261122)
    run = Log(site, command)
    seeded = run.settled(2 * len(people))
    job, killed = run.delete_all(people, seeded, descendants, arguments.journal_kills, rng)
    deleted = job["counts"]["deleted"]
    assert (deleted, job["rows"]) == (len(people), len(people)), job
    run.mirror()
    size, of_job = run.read_mirror(job["id"])
    removed = {index: entry for index, entry in of_job.items() if entry["event"] == "identifier.removed"}
    subjects = {entry["subject"] for entry in removed.values()}
    print(f"  {size} entries, {seeded} of them of before the job; of the job {len(of_job)}, of which "
          f"{len(removed)} are identifier.removed of {len(subjects)} subjects; {deleted} were counted as deleted")
    assert len(removed) == len(subjects) == deleted, (len(removed), len(subjects), deleted)
    run.print_pace(job, max(removed))
    assert min(of_job) >= seeded, "the job has entries from before it was created"
    run.search(job["id"], of_job)
    run.receipts(job, people, rng)
    run.others(rng)
    run.single_deletions(singles)
    assert all(count >= arguments.journal_kills for count in killed.values()), ("the log had all before all kills", killed)


class Log:
    """The log of the demo space, read over the API and with the `efface` command."""

    def __init__(self, site, command):
        self.site, self.command = site, command
        self.readings = Readings(self)
        self.folder, self.key, self.older = (os.path.join(site.folder, name) for name in ("mirror", "log.key", "older"))

    def get(self, path):
        """A text, where the log has it; else `None`."""
        status, _, body = self.site.send("GET", f"{SPACE}/{path}")
        assert status == 200 or (status, body["error"]["code"]) in ((404, "not_found"), (409, "not_logged_yet")), (status, body)
        return body if status == 200 else None

    def size(self):
        """How many entries are published."""
        checkpoint = self.get("log/checkpoint")
        return int(checkpoint.split("\n")[1]) if checkpoint else 0

    def events(self, query):
        status, _, body = self.site.send("GET", f"{SPACE}/audit_events?{query}")
        assert status == 200, (query, status, body)
        return body

    def journal_size(self):
        """How many entries the journal has. The newest is the first of the list."""
        newest = self.events("limit=1")["data"]
        return newest[0]["index"] + 1 if newest else 0

    def settled(self, least):
        """Waits until the journal has at least so many entries and has grown no more for 3 s, and returns its size."""
        size, since, started = 0, time.time(), time.time()
        while size < least or time.time() < since + 3:
            if (now := self.journal_size()) != size:
                size, since = now, time.time()
            time.sleep(0.2)
        print(f"  the journal took {max(since - started, 0):.0f} s more for the {size} entries of what was loaded")
        return size

    def delete_all(self, people, seeded, descendants, kills, rng):
        """Runs a job while both functions are killed. Returns it when the log has all of it, and the numbers of kills."""
        path = os.path.join(self.site.folder, "people.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"user_id:{person}\n" for person in people)
        # A row makes two entries: of the identifier and of the profile.
        done = lambda: (self.readings.journal() - seeded) / (2 * len(people))  # noqa: E731
        killers = {name: Killer(self.site, name, descendants, done, kills, random.Random(rng.random())) for name in FUNCTIONS}
        with contextlib.ExitStack() as stack:
            for what in (self.readings, Waiting(self, people, random.Random(rng.random())), *killers.values()):
                stack.enter_context(what)
            counted = json.loads(self.command("bulk", path, "--yes", "--json", "--space", "spa_demo", timeout=7_200))["job"]
            with open(self.older, "w", encoding="utf-8", newline="") as file:
                file.write(self.get("log/checkpoint") or "")
            path = f"{SPACE}/deletion_jobs/{counted['id']}"
            job = wait_for(600, lambda: verified(self.site.send("GET", path)[2]["job"]))
            # The last entry of the job. The stream of `cargo local` has one shard, so the journal has what came before it.
            query = f"job_id={job['id']}&limit=1"
            wait_for(3_600, lambda: any(entry["event"] == "job.verified" for entry in self.events(query)["data"]))
            wait_for(600, lambda: self.get(f"deletion_jobs/{job['id']}/receipt"))
            journal = self.journal_size()
            wait_for(600, lambda: self.size() >= journal)
        for name, killer in killers.items():
            print(f"  {killer.killed} processes of {name} were killed, {killer.hits()} of them in the middle of their work",
                  flush=True)
        return job, {name: killer.hits() for name, killer in killers.items()}

    def print_pace(self, job, last):
        """Prints how fast the log came after the job, whose last deletion is the entry with this index."""
        started, ended = (timestamp(job[name]) for name in ("started_at", "finished_at"))
        rows, readings = job["rows"], self.readings.taken
        print(f"  {rows} rows were deleted in {ended - started:.1f} s ({rows / (ended - started):.0f} rows/s)")
        for what, at in (("journal", 1), ("log", 2)):
            size = max(reading[at] for reading in readings if reading[0] <= ended)
            late, caught_up = min((reading[0] - ended, reading[at]) for reading in readings if reading[at] > last)
            pace = f"{(caught_up - size) / late:.0f} entries/s meanwhile" if late > 0 else "none behind"
            print(f"  the {what} had the last deletion {max(late, 0):.1f} s after the job's end: {pace}")

    def mirror(self):
        """Verifies the log over the API and with its copy in a folder."""
        with open(self.key, "w", encoding="utf-8") as file:
            file.write(self.command("log", "key", "--space", "spa_demo"))
        older = ["--from", self.older] if os.path.getsize(self.older) else []
        started = time.time()
        said = self.command("log", "verify", "--space", "spa_demo", "--key", self.key, *older, timeout=3_600)
        print(f"  efface log verify, in {time.time() - started:.1f} s: {said.splitlines()[0]}")
        self.command("log", "mirror", self.folder, "--space", "spa_demo", "--key", self.key, timeout=3_600)
        self.command("log", "verify", "--dir", self.folder, "--key", self.key, *older)

    def read_mirror(self, job_id):
        """How many entries the mirror has, and those of the job. The tree must have the root of the checkpoint."""
        with open(os.path.join(self.folder, "checkpoint"), encoding="utf-8") as file:
            _, size, root = file.read().split("\n")[:3]
        hashes, of_job, size = [], {}, int(size)
        for number in range((size + 255) // 256):
            for leaf in bundle(self.folder, number, min(256, size - 256 * number)):
                entry = json.loads(leaf)
                if entry.get("job_id") == job_id:
                    of_job[len(hashes)] = {name: entry.get(name) for name in ("event", "subject")}
                hashes.append(hashlib.sha256(b"\0" + leaf).digest())
        assert base64.b64encode(tree_hash(hashes)).decode() == root, "the entries have another root than the checkpoint"
        return size, of_job

    def search(self, job_id, of_job):
        """The search lists the same entries, each once, the newest first."""
        found, following, pages, started = [], "", 0, time.time()
        while following is not None:
            body = self.events(f"job_id={job_id}&limit=100{following}")
            found += [(entry["index"], entry["event"], entry["subject"]) for entry in body["data"]]
            following = f"&next={body['cursor']['next']}" if body["cursor"]["has_more"] else None
            pages += 1
        print(f"  the search by job lists {len(found)} entries on {pages} pages, in {time.time() - started:.1f} s")
        expected = [(index, entry["event"], entry["subject"]) for index, entry in of_job.items()]
        assert found == sorted(expected, reverse=True), (len(found), len(expected), set(found) ^ set(expected))

    def receipts(self, job, people, rng):
        """Receipts of people of the job hold, and do not with another byte. So does that of the job."""
        step = max(1, len(people) // RECEIPTS)
        chosen = people[::step][:RECEIPTS]
        for number, person in enumerate(chosen):
            receipt, path = self.get(f"receipts/user_id:{person}").encode(), os.path.join(self.site.folder, f"{person}.txt")
            of_person = ["--identifier", f"user_id:{person}"]
            verify = [["receipt", "verify", path, "--key", self.key, "--event", "identifier.removed", *of_person]]
            write(path, receipt)
            said = self.command(*verify[0])
            assert job["id"] in said and "Proved:" in said, said
            if number < BY_SCRIPT:
                self.script(path, of_person, 0)
            at = rng.randrange(len(receipt))
            write(path, receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1:])
            said = self.command(*verify[0], code=1)
            assert len(said.partition("DOES NOT HOLD: ")[2]) > 10, said
            if number < BY_SCRIPT:
                self.script(path, of_person, 1)
        path = os.path.join(self.site.folder, "job.txt")
        write(path, self.get(f"deletion_jobs/{job['id']}/receipt").encode())
        said = json.loads(self.command("--json", "receipt", "verify", path, "--key", self.key, "--event", "job.verified"))
        counts = said["receipts"][0]["leaf"]["counts"]
        assert counts["deleted"] == job["counts"]["deleted"], counts
        print(f"  {len(chosen)} receipts hold, and do not with one bit changed; {min(BY_SCRIPT, len(chosen))} of them also by "
              f"docs/verify_receipt.py. The receipt of the job has {counts}")

    def script(self, path, of_person, code):
        said = self.run([sys.executable, VERIFY_RECEIPT, "--key", self.one_key(), *of_person, path], code)
        assert code == 0 or len(said.partition("DOES NOT HOLD: ")[2]) > 10, said

    def one_key(self):
        """The line of the key that signs, without comments."""
        with open(self.key, encoding="utf-8") as file:
            return [line.strip() for line in file if not line.startswith("#")][-1]

    def run(self, command, code, env=None):
        """Runs the program of somebody else. Returns its output, if it exits with this code."""
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.site.folder, env=env)
        assert ran.returncode == code, (command, ran.returncode, ran.stdout[-2_000:], ran.stderr[-2_000:])
        return ran.stdout + ran.stderr

    def others(self, rng):
        """Verifiers that others wrote accept the mirror, and refuse it with one bit changed."""
        older = [self.older] if os.path.getsize(self.older) else []
        verifiers = [verify for verify in (self.go(older), self.aics_tlog(older)) if verify is not None]
        with open(os.path.join(self.folder, "checkpoint"), encoding="utf-8") as file:
            size = int(file.read().split("\n")[1])
        number = rng.randrange((size + 255) // 256)
        width = min(256, size - 256 * number)
        for verify in verifiers:
            print(f"  {verify(0, 256 * number)}")
        for name in (tile("entries", number, width), tile("0", number, width), "checkpoint"):
            path = os.path.join(self.folder, name)
            with open(path, "rb") as file:
                content = file.read()
            # In a bundle, within its first entry.
            first, end = (2, 2 + int.from_bytes(content[:2], "big")) if "entries" in name else (0, len(content))
            at = rng.randrange(first, end)
            write(path, content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
            self.command("log", "verify", "--dir", self.folder, "--key", self.key, code=1)
            for verify in verifiers:
                verify(1, 256 * number)
            write(path, content)

    def go(self, older):
        """Go's own packages for logs, `note` and `tlog` of `golang.org/x/mod/sumdb`. `None` where they are not there."""
        go = shutil.which("go")
        folders = ["/usr/share/gocode"] + os.environ.get("GOPATH", os.path.expanduser("~/go")).split(os.pathsep)
        package = os.path.join("src", "golang.org", "x", "mod", "sumdb", "tlog")
        sources = [folder for folder in folders if os.path.isdir(os.path.join(folder, package))]
        if go is None or not sources:
            print("  SKIPPED: the log was not verified with Go's packages: `go` or golang.org/x/mod is not installed")
            return None
        program = os.path.join(self.site.folder, "verify-log")
        env = {**os.environ, "GOPATH": sources[0], "GO111MODULE": "off", "GOCACHE": os.path.join(self.site.folder, "go")}
        self.run([go, "build", "-o", program, VERIFY_LOG], 0, env=env)
        return lambda code, _: "Go: " + self.run([program, self.key, self.folder, *older], code).strip()

    def aics_tlog(self, older):
        """The command of the Python package `aics-tlog`. `None` where it is not there."""
        program = shutil.which("aics-tlog")
        if program is None:
            print("  SKIPPED: the log was not verified with `aics-tlog`, which is not installed")
            return None
        key = os.path.join(self.site.folder, "one.key")
        write(key, self.one_key().encode() + b"\n")

        def verify(code, index):
            log = ["--tiles", self.folder, "--vkey-file", key]
            commands = [["verify-checkpoint"], ["verify-inclusion", "--index", str(index)]]
            commands += [["verify-consistency", "--old-checkpoint", path] for path in older]
            codes = []
            for command in commands:
                ran = subprocess.run([program, *command, *log], capture_output=True, text=True, check=False)
                codes.append(ran.returncode)
            assert max(codes) == code, (code, codes, ran.stdout, ran.stderr)
            return f"aics-tlog: the checkpoint, the proof of entry {index}, and {len(older)} older checkpoints hold"

        return verify

    def single_deletions(self, people):
        """Prints how long it takes from a deletion until it is in the journal, and until there is a receipt."""
        def delete(person):
            status, _, body = self.site.delete(person, "email", f"{person}@example.com")
            deleted = time.time()
            assert status == 200, (status, body)
            query = f"identifier=email:{person}%40example.com&event=identifier.removed"
            wait_for(120, lambda: self.events(query)["data"], pause=0.05)
            journaled = time.time()
            wait_for(300, lambda: self.get(f"receipts/email:{person}%40example.com"), pause=0.25)
            return journaled - deleted, time.time() - deleted

        with ThreadPoolExecutor(10) as pool:
            took = list(pool.map(delete, people))
        for what, seconds in zip(("in the journal", "with a receipt"), map(sorted, zip(*took))):
            p50, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
            print(f"  {len(people)} single deletions: {what} after {p50:.2f} s (p50), {p99:.2f} s (p99)")


class Meanwhile(threading.Thread):
    """A thread that runs during a `with` block, and whose error is one of the block."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            self.work()
        except Exception as error:  # it is raised where the block ends
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        if self.error is not None:
            raise self.error


class Killer(Meanwhile):
    """Kills processes of a function, at random moments, until so many were killed in the middle of their work. The moments
    are spread over the first part of the work, so that it is not over before."""

    def __init__(self, site, name, descendants, done, kills, rng):
        super().__init__()
        self.site, self.name, self.descendants, self.done, self.rng = site, name, descendants, done, rng
        self.moments = sorted(rng.uniform(0, 0.6) for _ in range(kills))
        self.killed, self.before = 0, 0
        self.before = self.hits()

    def hits(self):
        """How many processes ended in the middle of their work. The emulator has a line for each."""
        with open(self.site.emulator_log, encoding="utf-8", errors="replace") as file:
            return file.read().count(f"-{self.name}: Runtime exited before returning a response") - self.before

    def work(self):
        while (hits := self.hits()) < len(self.moments) and not self.over.wait(0.2):
            if self.done() < self.moments[hits]:
                continue
            process = self.at_work()
            if process is not None:
                self.over.wait(self.rng.uniform(0, 0.05))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    self.killed += 1

    def at_work(self):
        """A process of the function that works. `None` at the end."""
        while not self.over.is_set():
            processes = {process: run_time(process) for process in self.descendants(self.site.process.pid, FUNCTIONS[self.name])}
            for _ in range(100):  # to list processes takes longer than to look at some
                self.over.wait(0.005)
                at_work = [process for process, before in processes.items() if (now := run_time(process)) != before and now]
                if at_work:
                    return self.rng.choice(at_work)
        return None


def run_time(process):
    """How long a process has run so far, in ns. `None` where it has ended, and where it is not known: not on Linux."""
    try:
        with open(f"/proc/{process}/schedstat", encoding="utf-8") as file:
            return int(file.read().split()[0])
    except OSError:
        return None


class Readings(Meanwhile):
    """Reads the sizes of journal and log twice a second."""

    def __init__(self, log):
        super().__init__()
        self.log, self.taken = log, []

    def journal(self):
        """How many entries the journal had at last."""
        return self.taken[-1][1] if self.taken else 0

    def work(self):
        is_over = False
        while not is_over:  # at least once more at the end
            is_over = self.over.wait(0.5)
            sizes = self.log.journal_size(), self.log.size()
            self.taken.append((time.time(), *sizes))


class Waiting(Meanwhile):
    """Asks for receipts of people all the time, as clients do who wait for one: else the log is written once a minute."""

    def __init__(self, log, people, rng):
        super().__init__()
        self.log, self.people, self.rng = log, people, rng

    def work(self):
        while not self.over.wait(0.25):
            path = f"{SPACE}/receipts/user_id:{self.rng.choice(self.people)}"
            while (status := self.log.site.send("GET", path)[0]) == 409 and not self.over.wait(0.2):
                pass
            assert status in (200, 404, 409), (path, status)


def timestamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def verified(job):
    return job if job["verified_at"] else None


def wait_for(seconds, condition, pause=0.5):
    """Waits until a condition holds, and returns its value."""
    deadline = time.time() + seconds
    while not (value := condition()):
        assert time.time() < deadline, f"it does not hold after {seconds} s"
        time.sleep(pause)
    return value


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def tile(row, number, width):
    """The path of a tile or a bundle, as c2sp.org/tlog-tiles has it."""
    digits = str(number)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    *above, last = [digits[at:at + 3] for at in range(0, len(digits), 3)]
    name = os.path.join("tile", row, *[f"x{part}" for part in above], last)
    return name if width == 256 else os.path.join(f"{name}.p", str(width))


def bundle(folder, number, width):
    """The entries of a bundle: before each stands the number of its bytes, as two bytes."""
    name = tile("entries", number, width)
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    entries = []
    while data:
        (length,) = struct.unpack_from(">H", data)
        assert len(data) >= 2 + length, name
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    assert len(entries) == width, (name, len(entries))
    return entries


def tree_hash(hashes):
    """The root of a tree with these leaves: RFC 6962, section 2.1. Each round joins neighbours; one without is kept."""
    while len(hashes) > 1:
        pairs = [hashlib.sha256(b"\1" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2])]
        hashes = pairs + hashes[len(pairs) * 2:]
    return hashes[0]
