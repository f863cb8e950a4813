"""What a text refuses: "takes no boats" and "boats are not taken" refuse the same, wherever their other words stand."""

from __future__ import annotations

import re

from dreaming.mining.likeness import stem

_NEGATES = re.compile(r"\b(?:not|no|never|nobody|cannot|without)\b|n['’]t\b", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+")
_PASSED = frozenset(
    """a an and any are at be been being can could did do does ever have has is may must need or shall should the their
    to was were will would""".split()  # noqa: SIM905
)


def refusals_in(text: str) -> list[frozenset[str]]:
    """Return for each negation of a text the word that it refuses, and for "no" the verb before it too."""
    found = []
    for negation in _NEGATES.finditer(text):
        after = (token.lower() for token in _TOKEN.findall(text[negation.end() :]))
        refused = {stem(next((token for token in after if token not in _PASSED), ""))}
        if negation[0].lower() == "no":
            refused |= {stem(token.lower()) for token in _TOKEN.findall(text[: negation.start()])[-1:]}
        found.append(frozenset(refused - {""}))
    return found


def refuses_alike(one: str, two: str) -> bool:
    """Whether two texts refuse something, and each of them only what the other refuses too."""
    sides = refusals_in(one), refusals_in(two)
    return all(sides) and all(any(refused & other for other in sides[1 - at]) for at in (0, 1) for refused in sides[at])
