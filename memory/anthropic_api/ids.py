"""Public ids: a prefix and our own number."""

import re

STORE, MEMORY, VERSION, USER, KEY = "memstore", "mem", "memver", "user", "apikey"
POLICY = "svac_policy"
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


def public_id(prefix: str, pk: int | str) -> str:
    return f"{prefix}_{pk}"


def number_of(prefix: str, text: str) -> int:
    """The number in `prefix_17`; 0, which nothing has, for anything else."""
    kind, _, number = text.rpartition("_")
    return int(number) if kind == prefix and _NUMBER.fullmatch(number) else 0
