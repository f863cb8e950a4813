"""What a sentence says is over: "fax is retired, use the portal" ends fax, "it moved from fax to the portal" does so too."""

from __future__ import annotations

import re
from functools import lru_cache

from dreaming.mining.figures import COUNTED
from dreaming.mining.likeness import signs_of
from dreaming.mining.passages import CLAUSE
from dreaming.mining.statements import says_change, says_end, without_changes

# Where the old stands, where a clause names the new beside it; the first that matches tells.
_OLD = (
    re.compile(r"\b(?:instead of|rather than|no longer (?:at|by|from|in|on|through|to|via|with))\s+(?P<old>.+)", re.I),
    re.compile(
        r"\b(?:changed|migrated|moved|switched|transferred|went)\b.*?\bfrom\s+(?P<old>.+?)\s+(?:over\s+)?(?:in)?to\b",
        re.I,
    ),
    re.compile(r"(?P<old>)\b(?:migrated|moved|switched)\s+(?:over\s+)?to\b", re.I),
    re.compile(r"\breplaced\s+(?P<old>\S.*?)\s+(?:by|with)\b", re.I),
    re.compile(r"(?P<old>.*)\b(?:replaced\s+(?:by|with)|renamed\s+(?:as|to))\b", re.I),
    re.compile(r"(?P<old>.*)\b(?:is|are|was|were|be|been|being|got|gets)\s+replaced\b", re.I),
    re.compile(r"\breplace[sd]?\s+(?P<old>\S.*)", re.I),
    re.compile(r"\b(?:took|taken|takes)\W+over\b.*?\bfrom\s+(?P<old>.+)", re.I),
)
_OTHER_NUMBER = re.compile(
    r",?\s*\b(?:not|no longer|instead of|rather than)\s+"
    rf"(?:\d[\d.,]*|(?:{'|'.join(COUNTED)})\b)(?:\s*%|\s+\w+)?",
    re.I,
)
_NEW = re.compile(r"\bbut\b.*", re.I | re.S)
_LABEL = 3
_POINTS_BACK = re.compile(r"\b(?:he|it|she|that|them|they|these|this|those)\b", re.I)


@lru_cache(maxsize=10_000)
def ended(text: str) -> frozenset[str]:
    """Return the words of what a text says is over, or refuses among what is so now.

    Where a clause names the new beside the old, those are the old's, else all of a clause that says that something is
    over, and those of the clause before where it says nothing else, points back or has that as its head: "fax: retired".
    To refuse a number says nothing of the words beside it.
    """
    if not (says_change(text) or says_end(text)):
        return frozenset()
    text = _OTHER_NUMBER.sub("", text)
    if not (says_change(text) or says_end(text)):
        return frozenset()
    found = {name for name, sign in signs_of(text).items() if sign < 0}
    before: set[str] = set()
    clauses = CLAUSE.split(text)
    for head, clause in zip(["", *clauses], clauses, strict=False):
        words = set(signs_of(without_changes(clause)))
        old = old_side(clause)
        if old is not None:
            found |= set(signs_of(old))
        elif says_end(clause):
            headed = 0 < len(head.split()) <= _LABEL and f"{head}:" in text
            found |= words & signs_of(_NEW.sub("", clause)).keys()
            found |= before if headed or not words or _POINTS_BACK.search(clause) else set()
        before = words or before
    return frozenset(found)


def over_in(line: str) -> frozenset[str]:
    """Return the words of the clauses of a memory that say that something is over, also what they say is new."""
    clauses = (clause for clause in CLAUSE.split(line) if says_end(clause))
    return ended(line) | {name for clause in clauses for name in signs_of(clause)}


def old_side(clause: str) -> str | None:
    """Return what a clause says stood where it names the new, '' if only the new is named; None if it names no new."""
    return next((match["old"] for match in (pattern.search(clause) for pattern in _OLD) if match), None)
