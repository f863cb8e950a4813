"""Attributes that spell a list: `prefix.0.name`, `prefix.1.name` …, as objects again."""

from typing import Any

# A number beyond this names no place in a list that anybody sends.
MOST = 10_000


def numbered(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The objects under `prefix`, in order; of each the attributes below its number, lists inside them likewise."""
    found: dict[int, dict[str, Any]] = {}
    start = f"{prefix}."
    for name, value in attributes.items():
        if not name.startswith(start):
            continue
        number, _, rest = name[len(start) :].partition(".")
        if rest and number.isascii() and number.isdecimal() and len(number) < 6 and int(number) < MOST:
            found.setdefault(int(number), {})[rest] = value
    return [found[number] for number in sorted(found)]
