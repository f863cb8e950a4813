"""Two wishes in one group: what people ask of two things in the same words, parted by the thing that each remark names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from dreaming.mining.likeness import halves, likeness
from dreaming.mining.meaning import said_and_meant
from dreaming.mining.wishes import Text, Wish, wish_of

_SOME = 3
_SHARE = 0.2
_BOTH = 0.1


def parts_of(wish: Wish, covered_at_least: float) -> list[Wish]:
    """Return the wishes about two things, of which at least a share of the wordings name one and hardly any both; else nothing."""
    held = Counter(stem for text in wish.texts for stem in text.signs)
    things = sorted(stem for stem, count in held.items() if count >= max(_SOME, _SHARE * len(wish.texts)))
    best: tuple[int, str, str] | None = None
    for one, other in combinations(things, 2):
        both = sum(one in text.signs and other in text.signs for text in wish.texts)
        covered = held[one] + held[other] - both
        fits = both <= _BOTH * min(held[one], held[other]) and covered >= covered_at_least * len(wish.texts)
        if fits and (best is None or covered > best[0]):
            best = covered, one, other
    return _parted(wish.texts, best[1], best[2]) if best else []


def halves_of(wish: Wish) -> list[Wish]:
    """Return the two wishes that the wordings of a group fall into by how alike they are; nothing where one is small, or has
    no key of its own.
    """
    if len(wish.texts) < 2 * _SOME:
        return []
    rows = said_and_meant([text.told for text in wish.texts])
    side = halves(likeness(rows, rows))
    found = [[text for text, half in zip(wish.texts, side, strict=True) if half == number] for number in (1, 2)]
    if min(map(len, found)) < _SOME:
        return []
    parts = [
        replace(wish_of(texts), likeness=wish.likeness, one_act=wish.one_act, own=wish.own, alone=wish.alone)
        for texts in found
    ]
    return parts if _has_its_own(parts[0], parts[1]) and _has_its_own(parts[1], parts[0]) else []


def _has_its_own(one: Wish, other: Wish) -> bool:
    """Whether a wish has a key that no wording of the other one holds."""
    return any(all(key not in text.signs for text in other.texts) for key in one.keys)


def _parted(texts: Sequence[Text], one: str, other: str) -> list[Wish]:
    """Give each text to the thing that it names, those that name neither to the side whose words they share more."""
    named = {thing: [text for text in texts if thing in text.signs] for thing in (one, other)}
    words = {thing: Counter(stem for text in named[thing] for stem in text.signs) for thing in named}
    for text in texts:
        if one not in text.signs and other not in text.signs:
            shared = {thing: sum(words[thing][stem] for stem in text.signs) / len(named[thing]) for thing in named}
            if shared[one] != shared[other]:
                named[max(shared, key=lambda thing: shared[thing])].append(text)
    return [wish_of(named[one]), wish_of(named[other])]
