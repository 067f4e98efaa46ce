#!/usr/bin/env python3
"""Checks what `ledger_vectors` wrote, and the golden leaves, with implementations that are not ours.

Trees and inclusion proofs: pymerkle. Signed notes: written from the C2SP pages, over the Ed25519 of `cryptography`.
Consistency proofs: RFC 9162, section 2.1.4.2, with pymerkle's roots. Leaves: event-schemas/docs/ledger.md.

Usage: ledger_check.py LEAVES.json < lines
"""

import base64
import hashlib
import json
import re
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def verify_consistency(first, second, old, new, path):
    if first == second:
        return path == [] and old == new
    if first & (first - 1) == 0:
        path = [old] + path
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old and sr == new and sn == 0


def open_note(note, verifier):
    """The text of a note, if this key signed it (C2SP signed-note)."""
    name, key_id, key = verifier.split("+", 2)
    key = base64.b64decode(key, validate=True)
    assert key[0] == 1 and len(key) == 33, "an Ed25519 key"
    assert sha256(name.encode() + b"\n" + key)[:4].hex() == key_id, "the key's id"
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    assert signatures.endswith("\n")
    for line in signatures[:-1].split("\n"):
        dash, signer, signature = line.split(" ")
        assert dash == "\u2014"
        signature = base64.b64decode(signature, validate=True)
        if signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode())
            return text
    raise AssertionError("not signed by this key")


def check_tree(line):
    entries = [bytes.fromhex(entry) for entry in line["entries"]]
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    # The other implementation has no root of nothing.
    root = lambda size: tree.get_root(size) if size else sha256(b"")
    assert root(len(entries)).hex() == line["root"], "root"
    for proof in line["proofs"]:
        path = [bytes.fromhex(h) for h in proof["path"]]
        if "index" in proof:
            # Counted from 1 there, and beginning with the leaf itself.
            theirs = tree.prove_inclusion(proof["index"] + 1, proof["size"]).serialize()["path"]
            assert theirs[1:] == proof["path"], ("inclusion", proof, theirs)
        else:
            first, second = proof["from"], proof["to"]
            assert verify_consistency(first, second, root(first), root(second), path), ("consistency", proof)
            wrong = sha256(b"another")
            assert not verify_consistency(first, second, wrong, root(second), path)
    text = open_note(line["note"], line["key"])
    origin, size, signed_root, end = text.split("\n")
    assert (origin, end) == (line["key"].split("+")[0], "") and size == str(len(entries))
    assert base64.b64decode(signed_root, validate=True).hex() == line["root"]
    try:
        open_note(line["note"].replace(f"\n{size}\n", f"\n{int(size) + 1}\n", 1), line["key"])
    except InvalidSignature:
        return
    raise AssertionError("a changed checkpoint verified")


def field(data):
    return len(data).to_bytes(4, "big") + data


def check_leaf(case):
    """event-schemas/docs/ledger.md, read as it stands."""
    metadata = bytes.fromhex(case["metadata_hex"])
    clinic = occurred_at = b""
    try:
        told = json.loads(metadata)
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["clinic"]):
            clinic = uuid.UUID(told["clinic"]).bytes
            occurred_at = int(told["occurred_at"]).to_bytes(8, "big", signed=True)
    except (ValueError, KeyError, TypeError):
        pass
    encoding = b"".join(map(field, [
        b"clinic-booking/ledger-event/v1", clinic, case["stream"].encode(), case["revision"].to_bytes(8, "big"),
        uuid.UUID(case["id"]).bytes, case["type"].encode(), occurred_at,
        sha256(metadata), sha256(bytes.fromhex(case["payload_hex"])),
    ]))
    event_hash = sha256(encoding)
    assert event_hash.hex() == case["event_hash"], case
    leaf = field(int(case["index"]).to_bytes(8, "big")) + field(event_hash)
    assert sha256(b"\x00" + leaf).hex() == case["leaf_hash"], case


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        leaves = json.load(file)
    for case in leaves:
        check_leaf(case)
    trees = largest = 0
    for line in sys.stdin:
        line = json.loads(line)
        check_tree(line)
        trees += 1
        largest = max(largest, len(line["entries"]))
    assert trees > 0 and largest > 0
    print(f"{trees} trees of up to {largest} leaves with their proofs and checkpoints, {len(leaves)} golden leaves: agreed")


main()
