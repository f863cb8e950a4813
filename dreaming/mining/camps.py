"""Whether those who speak of one matter want the same: wordings, people and groups that ask for opposite things."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from dreaming.mining.frames import put_plainly
from dreaming.mining.likeness import stem
from dreaming.mining.meaning import Floats
from dreaming.mining.orders import ORDER_STEMS, are_contrasted, first_of
from dreaming.mining.window import Window
from dreaming.mining.wishes import Text, Wish, asker_of, sides_of

_SOME = 3
_FEW = 2
_SEVERAL = 2
_KEYS = 2
_HELD = 0.15
_PLACED = 0.05
_SMALLER = 0.25
_EVEN = 0.3
_TELLING = 1.5
_AGAINST_CHANCE = 0.5
_SURE = 0.1
_SURER = 0.03
_DEALS = 999
_CONTESTED = 0.33
_INVOLVED = 0.7
_HALF = 0.5
_MOST = 0.7
_HARDLY = 0.15
_ONE_ACT = 0.4
_SURELY_ONE = 0.6
_SAME_ACT = 0.2
_ALMOST = 0.4
# The acts that a wish objects to must be more alike than its wordings are opposed.
_CLEARER = 1.2
_OPPOSITES = {
    (stem(one), stem(two))
    for one, two in (
        ("above", "below"),
        ("ascending", "descending"),
        ("automatic", "manual"),
        ("brief", "detailed"),
        ("brief", "long"),
        ("detailed", "short"),
        ("early", "late"),
        ("fast", "slow"),
        ("formal", "informal"),
        ("full", "short"),
        ("high", "low"),
        ("large", "small"),
        ("less", "more"),
        ("long", "short"),
        ("lower", "upper"),
        ("newest", "oldest"),
        ("private", "public"),
        ("separate", "together"),
    )
}
_COMPARED = 0.5
_AGAINST = 0.3


def opposed(wish: Wish) -> tuple[float, float, list[Text]]:
    """Compare the wordings of a wish in pairs; return the share of pairs that contradict each other, the share of
    wordings that another contradicts, and the wordings that more contradict than agree with.
    """
    compared, against = _compared(wish.texts)
    refused, agreed = against.sum(axis=1), (compared & ~against).sum(axis=1)
    fewer = [text for text, one, other in zip(wish.texts, refused, agreed, strict=True) if one > other]
    return float(against.sum() / max(1, compared.sum())), float((refused > 0).mean()), fewer


def are_opposed(one: Wish, other: Wish) -> bool:
    """Whether several wordings of one wish contradict some of another: two camps, and no two matters."""
    _, against = _compared([*one.texts, *other.texts])
    across = against[: len(one.texts), len(one.texts) :]
    return bool(min(across.any(axis=1).sum(), across.any(axis=0).sum()) >= _FEW)


def _compared(texts: Sequence[Text]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which pairs of wordings can be compared, and which of them contradict each other.

    Two wordings can be compared where they share half of the words of one of them, each weighing as much as wordings
    hold it; they contradict each other where one refuses most of what they share and the other asks for it.
    """
    stems = {name: number for number, name in enumerate(sorted({name for text in texts for name in text.signs}))}
    table = np.zeros((len(texts), len(stems)))
    for row, text in enumerate(texts):
        for name, sign in text.signs.items():
            table[row, stems[name]] = sign
    weights = (table != 0).sum(axis=0)
    shared = (np.abs(table) * weights) @ np.abs(table).T
    least = np.minimum(*np.meshgrid(np.diag(shared), np.diag(shared)))
    compared = (shared > 0) & (shared >= _COMPARED * least)
    against = compared & ((table * weights) @ table.T <= -_AGAINST * shared)
    np.fill_diagonal(compared, False)
    return compared, against


def camps_of(wish: Wish, window: Window) -> tuple[int, int] | None:
    """Return how many principals ask for what remarks name, and how many refuse it, where people are split over it.

    A camp is made of people: who speaks more than once is on one side more often than if sides were dealt out by chance
    (permutation test). Otherwise only wordings decide that clearly refuse what as many others clearly ask for, and do
    not object to the same acts; or any word on which people are divided, where they object to different acts.
    """
    if sides := in_order(wish):
        return _askers(sides, window) if min(_askers(sides, window)) >= _SEVERAL and _is_even(sides) else None
    if _is_agreed(wish):
        return None
    for sides in _alternatives(wish):
        if _is_even(sides) and min(_askers(sides, window)) >= _SEVERAL:
            return _askers(sides, window)
    if wish.one_act < _SAME_ACT and (divided := _divided(wish, window)):
        return divided
    pairs, wordings, _ = opposed(wish)
    for named, sides in _axes(wish):
        camps = _camps(sides, window)
        both, expected, p_value = _crossings(sides, window)
        if camps is None:
            continue
        if expected >= _TELLING and both <= _AGAINST_CHANCE * expected and p_value <= (_SURE if named else _SURER):
            return camps
        told = wordings >= _HALF and min(camps) >= _SOME and _is_even(sides)
        if named and told and expected < _TELLING and not both:
            return camps
    one_act = min(max(_ONE_ACT, _CLEARER * pairs), _SURELY_ONE)
    if pairs < _CONTESTED or wordings < _INVOLVED or wish.one_act >= one_act:
        return None
    return next((_askers(sides, window) for named, sides in _axes(wish) if named and _is_even(sides)), None)


def _divided(wish: Wish, window: Window) -> tuple[int, int] | None:
    """Return how many people ask for a word and how many refuse it, of a word that almost as many do one as the other,
    and on which a good part of the sessions take sides.
    """
    sides: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for at, remarks in wish.said.items():
        for name, sign in ((name, sign) for _, signs in remarks for name, sign in signs.items() if sign):
            sides[name][sign < 0].add(asker_of(at, window))
    for _, (asked, refused) in sorted(sides.items()):
        camps = len(asked - refused), len(refused - asked)
        if min(camps) >= max(_SOME, _ALMOST * sum(camps)) and sum(camps) >= _ALMOST * len(wish.said):
            return camps
    return None


def in_order(wish: Wish) -> dict[int, int]:
    """Return which of two things each session wants first, where most that name both want an order; else nothing."""
    best: dict[int, int] = {}
    for one, other in combinations(sorted(name for name in wish.keys if name not in ORDER_STEMS), 2):
        both = {at for at, remarks in wish.said.items() if any(one in signs and other in signs for _, signs in remarks)}
        wanted = Counter[int]()
        for text in wish.texts:
            if first := first_of(put_plainly(text.words), one, other):
                for at, _ in text.said:
                    wanted[at] += first
        sides = {at: 1 if value > 0 else -1 for at, value in wanted.items() if value}
        if len(sides) > len(best) and len(sides) >= _MOST * len(both) and len(both) >= _HALF * len(wish.said):
            best = sides
    return best


def _is_agreed(wish: Wish) -> bool:
    """Whether most sessions take sides on two words of the wish, one instead of the other, and nearly all the same.

    What one wording of it says of the word given up ("pints are for pubs") then speaks for no camp.
    """
    signs = {at: _summed(said for _, said in remarks) for at, remarks in wish.said.items()}
    for one, other in combinations(sorted(wish.keys), 2):
        apart = {at for text in wish.texts if are_contrasted(text.words, one, other) for at, _ in text.said}
        leaning = {at: int(np.sign(said[one]) - np.sign(said[other])) for at, said in signs.items()}
        known = [value for value in leaning.values() if value]
        for side in (1, -1):
            instead = sum(leaning[at] * side > 1 for at in apart)
            agreed = sum(value * side > 0 for value in known)
            given_up = [said[other if side > 0 else one] for said in signs.values()]
            if sum(value > 0 for value in given_up) > _SMALLER * sum(value != 0 for value in given_up):
                continue
            if instead >= _SOME and agreed >= _HALF * len(signs) and len(known) - agreed <= _HARDLY * len(known):
                return True
    return False


def _alternatives(wish: Wish) -> Iterator[dict[int, int]]:
    """Yield the side that each session takes on two words of which some ask for one and not the other, and some the
    other way round, and on two that say the opposite of each other in any trade.
    """
    signs = {at: _summed(said for _, said in wish.said[at]) for at in sorted(wish.said)}
    instead = {(one, two) for said in signs.values() for one in said for two in said if said[one] > 0 > said[two]}
    turned = {pair for pair in instead if pair[::-1] in instead and pair[0] < pair[1]}
    for one, two in sorted(turned | _OPPOSITES):
        leaning = {at: said.get(one, 0) - said.get(two, 0) for at, said in signs.items()}
        yield {at: 1 if value > 0 else -1 for at, value in leaning.items() if value}


def _summed(said: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for signs in said:
        total.update(signs)
    return total


def _axes(wish: Wish) -> list[tuple[bool, dict[int, int]]]:
    """Return the side (1 or -1) that each session takes on what most name, and on what sets sessions apart most."""
    found = []
    for wanted, refused in list(sides_of(wish).values())[:_KEYS]:
        found.append((True, {at: 1 if at in wanted else -1 for at in wanted ^ refused}))
    sessions = sorted(wish.said)
    held = Counter(stem for at in sessions for stem in {stem for _, signs in wish.said[at] for stem in signs})
    stems = sorted(stem for stem, count in held.items() if count >= max(_FEW, _HELD * len(sessions)))
    if stems:
        table = np.array(
            [[np.sign(sum(signs.get(stem, 0) for _, signs in wish.said[at])) for stem in stems] for at in sessions]
        )
        found.append((True, _placed(sessions, table)))
        apart = _placed(sessions, table - table.mean(axis=0))
        sign = np.array([apart.get(at, 0) for at in sessions])
        ones, others = table[sign > 0], table[sign < 0]
        if (((ones > 0).sum(axis=0) >= _FEW) & ((others < 0).sum(axis=0) >= _FEW)).any() or (
            ((ones < 0).sum(axis=0) >= _FEW) & ((others > 0).sum(axis=0) >= _FEW)
        ).any():
            found.append((False, apart))
    return found


def _placed(sessions: list[int], table: Floats) -> dict[int, int]:
    """Return the sign of each session on the first singular vector."""
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    places = left[:, 0] * sizes[0]
    places *= 1 if places.sum() >= 0 else -1
    return {at: 1 if place > 0 else -1 for at, place in zip(sessions, places, strict=True) if abs(place) > _PLACED}


def _camps(sides: dict[int, int], window: Window) -> tuple[int, int] | None:
    """Return how many principals are mostly on each side, where both are several and speak often enough."""
    leaning: Counter[str] = Counter()
    for at, side in sides.items():
        leaning[asker_of(at, window)] += side
    camps = sum(sign > 0 for sign in leaning.values()), sum(sign < 0 for sign in leaning.values())
    signs = list(sides.values())
    fewer = min(signs.count(1), signs.count(-1))
    return camps if min(camps) >= _SEVERAL and fewer >= max(_SOME, _SMALLER * len(signs)) else None


def _askers(sides: dict[int, int], window: Window) -> tuple[int, int]:
    asked, refused = ({asker_of(at, window) for at, side in sides.items() if side == sign} for sign in (1, -1))
    return len(asked), len(refused)


def _is_even(sides: dict[int, int]) -> bool:
    signs = list(sides.values())
    return min(signs.count(1), signs.count(-1)) >= max(_SOME, _EVEN * len(signs))


def _crossings(sides: dict[int, int], window: Window) -> tuple[float, float, float]:
    """Return how many pairs of sessions of one principal are on both sides, how many chance has, and the p-value."""
    order = sorted(sides)
    people = {name: number for number, name in enumerate(sorted({asker_of(at, window) for at in order}))}
    whose = np.zeros((len(order), len(people)))
    whose[range(len(order)), [people[asker_of(at, window)] for at in order]] = 1
    wanted = np.array([sides[at] > 0 for at in order], dtype=float)
    dealt = np.random.default_rng(0).permuted(np.tile(wanted, (_DEALS, 1)), axis=1)
    count = whose.sum(axis=0)
    both = float(((wanted @ whose) * (count - wanted @ whose)).sum())
    chance = ((dealt @ whose) * (count - dealt @ whose)).sum(axis=1)
    return both, float(chance.mean()), float((1 + (chance <= both).sum()) / (1 + _DEALS))


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
