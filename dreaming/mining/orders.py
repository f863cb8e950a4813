"""Which of two things a text wants first, read from the words by which people put things in order, in any trade."""

from __future__ import annotations

import re

from dreaming.mining.likeness import stem

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?|[.,;:!?\n]")
_AHEAD = frozenset("before above ahead precede precedes preceding prior over".split())  # noqa: SIM905
_BEHIND = frozenset("after below under underneath beneath behind follows following".split())  # noqa: SIM905
_THEN = frozenset("then afterwards followed follow next second secondly".split())  # noqa: SIM905
_FIRST = frozenset(
    "first firstly lead leads start starts begin begins open opens top head heads beginning front".split()  # noqa: SIM905
)
_LAST = frozenset("last lastly end ends finish finishes close closes bottom".split())  # noqa: SIM905
_POINTS = frozenset("it that them this these those".split())  # noqa: SIM905
_NOT = frozenset("not no never don't dont why stop avoid without who".split())  # noqa: SIM905
ORDER_STEMS = frozenset(stem(word) for word in _AHEAD | _BEHIND | _THEN | _FIRST | _LAST)
_CONTRASTS = frozenset("and but instead rather not over than by".split())  # noqa: SIM905
# Before these and a thing, "first" is a part of its name: "the first name".
_NAMES = frozenset("a an the no by my your our their his her with".split())  # noqa: SIM905
_ENDS = frozenset(".;:!?\n")


def first_of(text: str, one: str, other: str) -> int:
    """Return 1 where a text wants the thing with the first stem before that with the other, -1 the other way round, 0
    where it says neither.
    """
    tokens = [token.lower().replace("’", "'") for token in _TOKEN.findall(text)]
    stems = [stem(token) for token in tokens]
    if one not in stems or other not in stems:
        return 0
    places = stems.index(one), stems.index(other)
    start, end = min(places), max(places)
    earlier = 1 if places[0] < places[1] else -1
    return earlier * (_between(tokens, start, end) or _owned(tokens, start, end))


def are_contrasted(text: str, one: str, other: str) -> bool:
    """Whether a text names two things apart: in two clauses, or one instead of the other."""
    tokens = [token.lower().replace("’", "'") for token in _TOKEN.findall(text)]
    stems = [stem(token) for token in tokens]
    if one not in stems or other not in stems:
        return False
    start, end = sorted((stems.index(one), stems.index(other)))
    return any(token in _CONTRASTS or not token[0].isalpha() for token in tokens[start:end])


def _between(tokens: list[str], start: int, end: int) -> int:
    """Return 1 where words between two things put the earlier named one first, -1 where they put it behind."""
    for place in range(start + 1, end):
        token = tokens[place]
        if token in _AHEAD or (token in _BEHIND and tokens[place + 1] not in _POINTS):
            sign = 1 if token in _AHEAD else -1
            return -sign if _refused(tokens, place) else sign
    return 0


def _owned(tokens: list[str], start: int, end: int) -> int:
    """Return 1 where a word for the first place stands in the clause of the earlier named thing, or one for the last in
    that of the later one; -1 where it is the other way round. What is refused to stand first is to stand behind.
    """
    for place, token in enumerate(tokens):
        if token not in _FIRST and token not in _LAST:
            continue
        near = [thing for thing in (start, end) if not _parted(tokens, *sorted((place, thing)))]
        if len(near) != 1 or (near[0] == place + 1 and tokens[max(0, place - 1)] in _NAMES):
            continue
        sign = (1 if near[0] == start else -1) * (1 if token in _FIRST else -1)
        return -sign if _refused(tokens, place) else sign
    return 1 if _THEN & set(tokens[start + 1 : end]) else 0


def _parted(tokens: list[str], start: int, end: int) -> bool:
    return any(token in _ENDS or token in {",", "and", "then", "but"} for token in tokens[start:end])


def _refused(tokens: list[str], place: int) -> bool:
    """Whether the sentence, as far as a place, says not to or asks why; a comma ends what a refusal holds for."""
    for token in reversed(tokens[:place]):
        if token in _ENDS or token in {",", "but"}:
            return False
        if token in _NOT or token.endswith("n't"):
            return True
    return False
