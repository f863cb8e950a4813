"""Two texts with opposite words in one place: "before loading" and "after loading", "at least 3" and "at most 3"."""

from __future__ import annotations

import re

from dreaming.mining.figures import in_figures
from dreaming.mining.likeness import stem, stems_of
from dreaming.mining.refusals import refusals_in

# To refuse what is on one side of a bound is to let through what is on the other.
_BOUNDS = "above/below after/before fewer/more least/most less/more maximum/minimum over/under"
_OPPOSITES = "allowed/forbidden always/never down/up first/last from/into inside/outside left/right with/without"
_COUNT = re.compile(r"(?<![\w.,:/#-])(?P<count>\d+(?:\.\d+)?|one) (?P<name>[^\W\d_]+)", re.IGNORECASE)
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")


def other_side(one: str, two: str) -> str:
    """Return two opposite words, each of one text alone, before the same content word or number; '' if there are none."""
    texts = [_followed(text) for text in (one, two)]
    one_refuses = bool(refusals_in(one)) != bool(refusals_in(two))
    pairs = [pair.split("/") for pair in f"{_OPPOSITES} {'' if one_refuses else _BOUNDS}".split()]
    for here, there in (*pairs, *(pair[::-1] for pair in pairs)):
        alone = there not in texts[0] and here not in texts[1]
        if alone and texts[0].get(here, set()) & texts[1].get(there, set()):
            return f"{here} / {there}"
    return ""


def counts_apart(one: str, two: str) -> str:
    """Return what two texts count, each with other numbers, as `tablet`: "one tablet" and "two tablets"; '' if nothing."""
    counted = [_counted(text) for text in (one, two)]
    apart = (
        name for name in sorted(counted[0].keys() & counted[1].keys()) if counted[0][name].isdisjoint(counted[1][name])
    )
    return next(apart, "")


def _counted(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for count in _COUNT.finditer(in_figures(text)):
        if stems_of(count["name"]):
            found.setdefault(stem(count["name"].lower()), set()).add(
                "1" if count["count"].lower() == "one" else count["count"]
            )
    return found


def _followed(text: str) -> dict[str, set[str]]:
    """Return the words of a text, each with the content words and numbers that come next after it."""
    tokens = [token.lower() for token in _TOKEN.findall(in_figures(text))]
    found: dict[str, set[str]] = {}
    ahead = ""
    for token in reversed(tokens):
        found.setdefault(token, set()).add(ahead)
        ahead = token if token[0].isdigit() else stem(token) if stems_of(token) else ahead
    return {token: nexts - {""} for token, nexts in found.items()}
