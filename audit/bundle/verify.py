#!/usr/bin/env python3
"""Checks an export of Daylight's record, offline: python3 verify.py [FOLDER] [--trust KEY_ID] [--witness FILE]

Needs Python 3.9 or newer and nothing else; with the package `cryptography` the signatures are checked too.
FOLDER (default: where this file is) holds entries.jsonl, checkpoints.jsonl and keys.json. A witness is a file of
checkpoints that was kept elsewhere, such as from agents' answers or an earlier export: with it, entries that were cut
off and a record that was written anew are found. Ends with 0 when all is proven, 1 when something is wrong.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

GENESIS = "0" * 64
COLUMNS = ("seq", "at", "act", "action", "actor", "store", "subject")


class Wrong(Exception):
    """What is wrong, and where."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Tree:
    """The Merkle tree of RFC 6962, section 2.1, grown one leaf at a time."""

    def __init__(self):
        self.size, self.roots = 0, []

    def append(self, data):
        root, size = hashlib.sha256(b"\x00" + data).digest(), self.size
        while size & 1:
            root = hashlib.sha256(b"\x01" + self.roots.pop() + root).digest()
            size >>= 1
        self.roots.append(root)
        self.size += 1

    def root(self):
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root.hex()


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Wrong(f"{path.name}, line {number}: this is no JSON ({error})") from None


def read_checkpoints(path, public):
    """Size -> what it states, each signed if signatures can be checked, each naming the one before it."""
    stated, previous = {}, GENESIS
    for number, line in enumerate(lines_of(path), 1):
        body = line["body"].encode()
        said = json.loads(body)
        where = f"{path.name}, line {number} (checkpoint over {said['size']} entries, {said['at']})"
        if said["key"] not in public:
            raise Wrong(f"{where}: the key {said['key']} is not among keys.json")
        if not is_signed(public[said["key"]], line["signature"], b"daylight checkpoint v1\n" + body):
            raise Wrong(f"{where}: its signature is not that of key {said['key']}")
        if previous is not None and said["previous"] != previous:
            raise Wrong(f"{where}: it does not follow the checkpoint before it")
        stated[said["size"]], previous = said, sha256(body)
    return stated


def read_witness(path, public):
    """Size -> what it states. A witness need not have seen every checkpoint."""
    stated = {}
    for line in lines_of(path):
        body = line["body"].encode()
        said = json.loads(body)
        if said["key"] in public and is_signed(
            public[said["key"]], line["signature"], b"daylight checkpoint v1\n" + body
        ):
            stated[said["size"]] = said
    return stated


try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    SIGNATURES = True

    def is_signed(public, signature, message):
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True

except ImportError:
    SIGNATURES = False

    def is_signed(*_):
        return True


def read_keys(path, trusted):
    """Key id -> public key. The first is trusted as found, or by --trust; each later one by the one before it."""
    public = {}
    for number, key in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        raw = bytes.fromhex(key["public_key"])
        if hashlib.sha256(raw).hexdigest()[:16] != key["key_id"]:
            raise Wrong(f"{path.name}: {key['key_id']} is not the name of its public key")
        if number == 0 and trusted and key["key_id"] != trusted:
            raise Wrong(f"{path.name}: the first key is {key['key_id']}, and you trust {trusted}")
        if number and not (
            key["signed_by"] in public
            and is_signed(public[key["signed_by"]], key["signature"], b"daylight signing key v1\n" + raw)
        ):
            raise Wrong(f"{path.name}: no earlier key vouches for {key['key_id']}")
        public[key["key_id"]] = key["public_key"]
    return public


def check_entry(entry, number, previous):
    """The body of an entry that follows the one before it and says what its columns say."""
    body = entry["body"].encode()
    if entry["seq"] != number:
        raise Wrong(f"entry {number} is missing: {entry['seq']} stands in its place")
    if entry["prev_hash"] != previous:
        raise Wrong(f"entry {number}: its previous hash is not that of the entry before it")
    if entry["hash"] != sha256(bytes.fromhex(previous) + body):
        raise Wrong(f"entry {number}: its bytes do not match its hash")
    said = json.loads(body)
    for column in COLUMNS:
        if said[column] != entry[column]:
            raise Wrong(f"entry {number}: its {column} differs from the bytes that were hashed")


def check_entries(path, stated):
    """Walk the chain, and compare the tree with each checkpoint as it is reached. Returns size and last hash."""
    tree, previous, covered = Tree(), GENESIS, 0
    for number, entry in enumerate(lines_of(path), 1):
        check_entry(entry, number, previous)
        previous = entry["hash"]
        tree.append(bytes.fromhex(previous))
        if number in stated:
            said = stated[number]
            if said["head"] != previous or said["root"] != tree.root():
                raise Wrong(
                    f"between entry {covered + 1} and entry {number} the record was written anew: the checkpoint over "
                    f"{number} entries of {said['at']} states another history"
                )
            covered = number
    if stated and max(stated) > tree.size:
        said = stated[max(stated)]
        raise Wrong(
            f"the record ends at entry {tree.size}, but a checkpoint of {said['at']} covers {said['size']}: entries "
            "are missing, or an old backup was restored"
        )
    return tree.size, previous, covered


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--trust", metavar="KEY_ID", help="the id of the first signing key, as you were told it")
    parser.add_argument("--witness", type=Path, action="append", default=[], metavar="FILE")
    given = parser.parse_args()
    try:
        public = read_keys(given.folder / "keys.json", given.trust)
        stated = read_checkpoints(given.folder / "checkpoints.jsonl", public)
        for path in given.witness:
            for size, said in read_witness(path, public).items():
                if stated.setdefault(size, said) != said:
                    raise Wrong(f"the checkpoint over {size} entries differs from the one in {path.name}")
        size, head, covered = check_entries(given.folder / "entries.jsonl", stated)
    except Wrong as wrong:
        print(f"WRONG: {wrong}.")
        return 1
    except (OSError, KeyError, TypeError, ValueError) as error:
        print(f"WRONG: the export cannot be read: {type(error).__name__}: {error}.")
        return 1
    print(f"{size} entries are whole and in order. The last hash is {head}.")
    if covered:
        signed = "are proven by signed checkpoints" if SIGNATURES else "agree with the checkpoints"
        print(f"Entries 1 to {covered} {signed}; the {size - covered} after them by the chain alone.")
    else:
        print("There is no checkpoint: entries cut off at the end would not be seen.")
    if not SIGNATURES:
        print("SIGNATURES WERE NOT CHECKED: install the package `cryptography` and run this again.")
    elif not given.trust and public:
        print(f"The first key is {next(iter(public))}: compare it with the one you were told, or use --trust.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
