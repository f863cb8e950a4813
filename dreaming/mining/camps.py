"""Whether those who speak of one matter want the same: wordings, people and groups that ask for opposite things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

import numpy as np

from dreaming.mining.likeness import likeness
from dreaming.mining.meaning import said_and_meant
from dreaming.mining.window import Window
from dreaming.mining.wishes import Text, Wish, asker_of, occasion_of, sides_of

_SAME_ACT = 0.2
_NAMED_BY_MOST = 0.6
_SOME = 3
_COMPARED = 0.5
_AGAINST = 0.3
_MOSTLY_BOTH = 0.6


def opposed(wish: Wish) -> tuple[float, float, list[Text]]:
    """Compare the wordings of a wish in pairs; return the share of pairs that contradict each other, the share of
    wordings that another contradicts, and the wordings that more contradict than agree with.

    Two wordings can be compared where they share half of the words of one of them, each weighing as much as wordings
    hold it; they contradict each other where one refuses most of what they share and the other asks for it.
    """
    stems = {name: number for number, name in enumerate(sorted({name for text in wish.texts for name in text.signs}))}
    table = np.zeros((len(wish.texts), len(stems)))
    for row, text in enumerate(wish.texts):
        for name, sign in text.signs.items():
            table[row, stems[name]] = sign
    weights = (table != 0).sum(axis=0)
    shared = (np.abs(table) * weights) @ np.abs(table).T
    least = np.minimum(*np.meshgrid(np.diag(shared), np.diag(shared)))
    compared = (shared > 0) & (shared >= _COMPARED * least)
    against = compared & ((table * weights) @ table.T <= -_AGAINST * shared)
    np.fill_diagonal(compared, False)
    refused, agreed = against.sum(axis=1), (compared & ~against).sum(axis=1)
    fewer = [text for text, one, other in zip(wish.texts, refused, agreed, strict=True) if one > other]
    return float(against.sum() / max(1, compared.sum())), float((refused > 0).mean()), fewer


def camps_of(wish: Wish, window: Window) -> tuple[int, int] | None:
    """Return how many principals ask for what nearly all remarks name, and how many refuse it, where both are several."""
    wanted, refused = next(iter(sides_of(wish).values()))
    if len(wanted | refused) < _NAMED_BY_MOST * len(wish.said):
        return None
    sides = [{asker_of(at, window) for at in side} for side in (wanted - refused, refused - wanted)]
    fewer = min(len(side) for side in sides)
    several = fewer >= _SOME and fewer >= _AGAINST * sum(map(len, sides))
    return (len(sides[0]), len(sides[1])) if several else None


def are_of_two_minds(wish: Wish, window: Window) -> bool:
    """Whether most principals who speak of it more than once seem to want both: then their wordings are misread, since
    a camp is made of people.
    """
    sides: dict[str, list[int]] = defaultdict(list)
    wanted, refused = next(iter(sides_of(wish).values()))
    for at in wanted ^ refused:
        sides[asker_of(at, window)].append(1 if at in wanted else -1)
    several = [signs for signs in sides.values() if len(signs) > 1]
    both = sum(len(set(signs)) > 1 for signs in several)
    return wish.one_act >= _SAME_ACT and len(several) >= _SOME and both >= _MOSTLY_BOTH * len(several)


def answer_one_act(wish: Wish, fewer: list[Text]) -> bool:
    """Whether those who seem to ask for the opposite object to the same acts as the others, or are too few for a camp: then
    they ask for the same.
    """
    known = [(text, occasion_of(text)) for text in wish.texts if text.strong]
    known = [(text, about) for text, about in known if about]
    inside = np.array([any(text is other for other in fewer) for text, _ in known], dtype=bool)
    if min(inside.sum(), (~inside).sum()) < _SOME:
        inside = np.array([text.signs.get(wish.keys[0], 0) < 0 for text, _ in known], dtype=bool)
    if min(inside.sum(), (~inside).sum()) < _SOME:
        return True
    matrix = said_and_meant([about for _, about in known])
    return bool(likeness(matrix[inside], matrix[~inside]).mean() >= _SAME_ACT)


def dissent(wish: Wish) -> set[int]:
    """Return the sessions that ask only for the opposite of what most do."""
    fewer = {at for text in opposed(wish)[2] for at, _ in text.said}
    return fewer if 2 * len(fewer) < len(wish.said) else set()


def rivals_among(wishes: Iterable[Wish], window: Window, least: int) -> set[int]:
    """Find groups of enough support that share their first key and nobody, and want different things of it."""
    same_key: dict[str, list[tuple[int, set[str]]]] = defaultdict(list)
    for wish in wishes:
        if len(wish.said) >= least and wish.keys:
            same_key[wish.keys[0]].append((id(wish), {asker_of(at, window) for at in wish.said}))
    pairs = (pair for rivals in same_key.values() for pair in combinations(rivals, 2))
    return {number for one, other in pairs if not one[1] & other[1] for number in (one[0], other[0])}
