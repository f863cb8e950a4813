"""What a text refuses: "takes no boats" and "boats are not taken" refuse the same, wherever their other words stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import chain

from dreaming.mining.likeness import stem, stems_of
from dreaming.mining.passages import CLAUSE

_NEGATES = re.compile(r"\b(?:not|no|never|nobody|none|nothing|cannot|without)\b|n['’]t\b", re.IGNORECASE)
# Verbs that refuse by themselves, which another wording puts as "not" or "no".
_REFUSES = re.compile(
    r"\b(?:avoid(?:s|ed)?|bann?ed|bans|disallow(?:s|ed)|exempt(?:ed)?|forbid(?:s|den)?|omit(?:s|ted)?|prohibit(?:s|ed)?"
    r"|refus(?:e|es|ed)|reject(?:s|ed)?|skip(?:s|ped)?|waive[sd]?|(?:away|clear|free|out) (?:of|from))\b",
    re.IGNORECASE,
)
# What makes of a refusal a condition: "none without a pass" asks for the pass.
_CONDITION = re.compile(r"\b(?:before|except|unless|until|without)\b", re.IGNORECASE)
_CONTRAST = re.compile(
    r"(?<!\bare)(?<!\bbe)(?<!\bcan)(?<!\bdid)(?<!\bdo)(?<!\bdoes)(?<!\bis)(?<!\bmay)(?<!\bmust)(?<!\bneed)(?<!\bshall)"
    r"(?<!\bshould)(?<!\bwas)(?<!\bwere)(?<!\bwill)\s(?=(?:not|never)\b)|\b(?:and|but)\b",
    re.IGNORECASE,
)
_UN = re.compile(r"\bun(?P<word>[a-z]{3,})\b", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+")
_PASSED = frozenset(
    """a an and any are at be been being by can could did do does ever for from had has have in is it may must need of on or
    shall should the their them these they this those to was were will with would""".split()  # noqa: SIM905
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
    """Whether two texts refuse something, and neither what the other asks for.

    What both refuse is the same; where each refuses something in words of its own, they are at odds only if each asks for
    what the other refuses. A refusal that is a condition in one text alone refuses nothing that could be compared.
    """
    texts = not_un(one, two), not_un(two, one)
    sides = [refusals_in(text) for text in texts]
    left = [
        [refused for refused in side if not any(refused & other for other in sides[1 - at])]
        for at, side in enumerate(sides)
    ]
    if all(sides) and not any(left):
        return True
    by_verb = [bool(_REFUSES.search(text)) for text in texts]
    refuses = [bool(side) or verb for side, verb in zip(left, by_verb, strict=True)]
    if all(refuses):
        return not all(_asks_for(texts[1 - at], left[at]) for at in (0, 1))
    return any(left[at] and not sides[1 - at] and _is_condition(texts[at], texts[1 - at]) for at in (0, 1))


def not_un(text: str, other: str) -> str:
    """Return a text in which "unlocked" is "not locked" where another text speaks of what is locked."""
    said = {stem(token.lower()) for token in _TOKEN.findall(other)}
    return _UN.sub(lambda found: f"not {found['word']}" if stem(found["word"].lower()) in said else found[0], text)


def _asks_for(text: str, refused: Sequence[Collection[str]]) -> bool:
    """Whether a text says one of the words in a clause that refuses nothing."""
    clauses = [part for clause in CLAUSE.split(text) for part in _CONTRAST.split(clause)]
    asked = {name for clause in clauses if not _NEGATES.search(clause) for name, _ in stems_of(clause)}
    return not asked.isdisjoint(chain.from_iterable(refused))


def _is_condition(text: str, other: str) -> bool:
    """Whether each sentence of a text that refuses something says on what condition, in a word that another text has not."""
    known = {found.lower() for found in _CONDITION.findall(other)}
    sentences = [sentence for sentence in re.split(r"(?<=[.!?;])\s+", text) if _NEGATES.search(sentence)]
    return all({found.lower() for found in _CONDITION.findall(sentence)} - known for sentence in sentences)
