#!/usr/bin/env python3
"""Verifies receipts of Efface without any program of Efface: with Python's standard library and the command `openssl`
(3.0 or newer). docs/audit-log.md explains each step.

    python3 verify_receipt.py --key KEY [--identifier TYPE:VALUE] RECEIPT...

KEY is a verifier key of the log, or a file with one a line. Exit code 0 if every receipt holds, 1 if one does not.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = "c2sp.org/tlog-proof@v1"
# What stands before the 32 bytes of an Ed25519 key in the form that openssl reads (RFC 8410).
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
ED25519 = 1
MAX_BYTES = 2_000_000


class DoesNotHold(Exception):
    """The first thing about a receipt that is wrong."""


def check(condition, what):
    if not condition:
        raise DoesNotHold(what)


def decode(text, what):
    """Base64 in its one form: with padding, and without bits that are left over."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DoesNotHold(f"{what} is not base64") from error
    check(base64.b64encode(data).decode() == text, f"{what} is not base64 in its one form")
    return data


def decode_url(text, what):
    """32 bytes in base64url without padding, in their one form."""
    check(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]{43}", text), f"{what} is not 32 bytes in base64url")
    data = base64.urlsafe_b64decode(text + "=")
    check(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, f"{what} is not in its one form")
    return data


def number(text, what):
    check(re.fullmatch(r"0|[1-9][0-9]{0,18}", text), f"{what} is not a number")
    return int(text)


def object_without_repeats(pairs):
    check(len(dict(pairs)) == len(pairs), "a member stands there twice")
    return dict(pairs)


def read_json(text, what):
    """JSON without repeated members, and its compact form."""
    try:
        value = json.loads(text, object_pairs_hook=object_without_repeats)
        return value, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise DoesNotHold(f"{what} is not JSON") from error


def read_keys(argument):
    """Verifier keys. A log has several where its signing key was replaced."""
    text = Path(argument).read_text(encoding="utf-8") if Path(argument).is_file() else argument
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise SystemExit("--key: there is no verifier key")
    return [read_key(line) for line in lines]


def read_key(line):
    """A verifier key: its name, its id and its 32 bytes."""
    if line.count("+") < 2:
        raise SystemExit("--key: it is neither a file nor a verifier key")
    name, key_id, encoded = line.split("+", 2)
    data = base64.b64decode(encoded, validate=True)
    made = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex()
    if len(data) != 33 or data[0] != ED25519 or made != key_id:
        raise SystemExit("--key: it is not an Ed25519 verifier key, or its id does not follow from it")
    return name, bytes.fromhex(key_id), data[1:]


def read_receipt(text):
    """Leaf, nonce, index, proof, and the checkpoint as text and signature lines."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    check(lines[0] == HEADER, f"the first line is not {HEADER}")
    check(len(lines) >= 3 and lines[1].startswith("extra ") and lines[2].startswith("index "), "a line is missing")
    extra = decode(lines[1][len("extra "):], "the extra line")
    members, written = read_json(extra, "the extra line")
    is_ours = isinstance(members, dict) and list(members) in (["leaf"], ["leaf", "nonce"])
    check(is_ours and isinstance(members["leaf"], str), "the extra line does not hold an entry of Efface's log")
    check(written == extra, "the extra line is not in its one form")
    if "nonce" in members:
        decode_url(members["nonce"], "the nonce")
    index = number(lines[2][len("index "):], "the index")
    proof = [decode(line, "a line of the proof") for line in lines[3:]]
    check(all(len(node) == 32 for node in proof) and len(proof) <= 63, "a line of the proof is not a hash")
    # The note's text ends with its last empty line.
    signed, empty, signatures = note.rpartition("\n\n")
    check(empty and signatures.endswith("\n"), "the checkpoint is not a signed note")
    return members["leaf"], members.get("nonce"), index, proof, signed + "\n", signatures[:-1].split("\n")


def read_checkpoint(text):
    lines = text.split("\n")
    check(len(lines) >= 4 and lines[-1] == "", "the checkpoint has no origin, size and root")
    root = decode(lines[2], "the checkpoint's root")
    check(len(root) == 32 and all(lines[:-1]), "the checkpoint is malformed")
    return lines[0], number(lines[1], "the checkpoint's size"), root


def check_inclusion(leaf, index, size, proof, root):
    """RFC 6962, section 2.1.1: the hashes beside the way from the entry lead to the root."""
    check(index < size, f"entry {index} is not among the first {size}")
    node, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    for beside in proof:
        check(last > 0, "the proof has too many hashes")
        if index % 2 == 1 or index == last:
            node = hashlib.sha256(b"\1" + beside + node).digest()
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + beside).digest()
        index, last = index // 2, last // 2
    check(last == 0, "the proof has too few hashes")
    check(node == root, "the entry is not at this index of the log with this root")


def check_signature(text, lines, keys):
    """The note's text must be signed by one of the keys, and validly by all of them that have. Those of others are ignored."""
    public_keys = {(name, key_id): public_key for name, key_id, public_key in keys}
    found = False
    for line in lines:
        dash, signer, encoded = (line.split(" ") + ["", ""])[:3]
        check(dash == "\u2014" and line.count(" ") == 2, "a signature line is malformed")
        signature = decode(encoded, "a signature")
        public_key = public_keys.get((signer, signature[:4]))
        if public_key is None:
            continue
        check(len(signature) == 68 and openssl_verifies(text.encode(), signature[4:], public_key),
              "the signature is not valid for the checkpoint")
        found = True
    check(found, f"the checkpoint is not signed by {' or '.join(f'{name} {key_id.hex()}' for name, key_id, _ in keys)}")


def openssl_verifies(message, signature, public_key):
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("message", "signature", "key")]
        for path, content in zip(paths, (message, signature, SPKI_PREFIX + public_key)):
            path.write_bytes(content)
        message_path, signature_path, key_path = map(str, paths)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key_path, "-rawin",
                   "-in", message_path, "-sigfile", signature_path]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def check_identifier(entry, nonce, identifier):
    """The entry's subject is SHA-256(nonce, type, 0, normalised value)."""
    id_type, _, value = identifier.partition(":")
    check("subject" in entry and entry.get("subject_kind") != "profile", "the entry is not about an identifier")
    check(entry.get("id_type") == id_type, f"the entry is about an identifier of type {entry.get('id_type')}")
    check(entry.get("subject_kind", "commitment") == "commitment",
          "the entry is from before commitments: only the operator can tie it to a value")
    rule = entry.get("normalisation")
    check(rule in ("none", "lowercase"), "the entry has no rule by which values are normalised")
    check(nonce is not None, "the receipt has no nonce")
    normalised = value.lower() if rule == "lowercase" else value
    made = hashlib.sha256(decode_url(nonce, "the nonce") + id_type.encode() + b"\0" + normalised.encode()).digest()
    check(decode_url(entry["subject"], "the subject") == made, "the entry is about another identifier")


def verify(data, keys, identifier):
    """What the receipt says happened, if it holds."""
    check(len(data) <= MAX_BYTES, "it is too long for a receipt")
    try:
        text = data.decode("utf-8")
    except ValueError as error:
        raise DoesNotHold("it is not a text") from error
    leaf, nonce, index, proof, signed, signatures = read_receipt(text)
    origin, size, root = read_checkpoint(signed)
    keys = [key for key in keys if key[0] == origin]
    check(keys, f"the checkpoint is of the log {origin}, of which no key was given")
    check_inclusion(leaf.encode(), index, size, proof, root)
    check_signature(signed, signatures, keys)
    entry, _ = read_json(leaf, "the entry")
    check(isinstance(entry, dict) and type(entry.get("v")) is int and entry["v"] == 1, "the entry has a form that is not known")
    if identifier is not None:
        check_identifier(entry, nonce, identifier)
    about = f"about this {identifier.partition(':')[0]}" if identifier else "no value was checked"
    return f"entry {index} of {size} in {origin}: {entry.get('event')} at {entry.get('time')}, {about}"


def main():
    parser = argparse.ArgumentParser(description="Verifies receipts of Efface.")
    parser.add_argument("--key", required=True, help="a verifier key of the log, or a file with one a line")
    parser.add_argument("--identifier", metavar="TYPE:VALUE", help="the identifier that the receipts must be for")
    parser.add_argument("receipt", nargs="+", type=Path)
    options = parser.parse_args()
    keys, is_good = read_keys(options.key), True
    for path in options.receipt:
        try:
            print(f"{path}: holds: {verify(path.read_bytes(), keys, options.identifier)}")
        except DoesNotHold as fault:
            is_good = False
            print(f"{path}: DOES NOT HOLD: {fault}")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
