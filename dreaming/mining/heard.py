"""What a session says, word by word: whether a word stands in another's place, or is named as what is no longer so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from dreaming.mining.endings import ended
from dreaming.mining.passages import CLAUSE
from dreaming.mining.places import Word, keys_in
from dreaming.mining.restated import is_former
from dreaming.mining.sayings import Saying

_AN_ASIDE = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """A saying with its words in their places."""

    said: Saying
    words: tuple[Word, ...]
    keys: frozenset[str]
    answered: frozenset[str]


def users_first(heard: Sequence[Heard], values: Set[str]) -> list[Heard]:
    """Leave out what was said beside a user who names one of two values, as what agents and tools said before was answered."""
    told = sessions_of(one for one in heard if one.said.by_user and one.keys & values)
    return [one for one in heard if one.said.by_user or one.said.at not in told]


def is_name(told: Sequence[Heard], key: str) -> bool:
    """Whether most write a word with a capital, or as one name: `Orsay`, `parcel_search`."""
    written = [one.said.text[word.start : word.end] for one in told for word in one.words if word.key == key]
    return 2 * sum(word[0].isupper() or "_" in word for word in written) > len(written)


def in_place(one: Heard, key: str, place: Word) -> bool:
    """Whether a saying has a word beside what another one stands beside."""
    return key in one.keys and any(word.key == key and word.stands_as(place) for word in one.words)


def wherever_said(old: Word, heard: Iterable[Heard]) -> Word:
    """Return a word of a passage with what stands beside it there, and wherever sessions say it."""
    places = [old, *(word for one in heard if old.key in one.keys for word in one.words if word.key == old.key)]
    before, after = (
        frozenset().union(*sides) for sides in zip(*((one.before, one.after) for one in places), strict=True)
    )
    return replace(old, before=before, after=after)


def is_old(one: Heard, key: str, other: str, known: frozenset[str]) -> bool:
    """Whether a saying names a word, beside another one or alone, as what is no longer so."""
    text = one.said.text
    if key in ended(text):
        return True
    places = {word.key: word for word in one.words if word.key in {key, other}}
    if key not in places:
        return False
    written = {name: text[word.start : word.end] for name, word in places.items()}
    others = [written[other]] if other in written else []
    later = bool(others) and places[other].start < places[key].start
    aside = later and any(_is_aside(clause, written[key], known) for clause in CLAUSE.split(text))
    return aside or is_former(written[key], text, others)


def _is_aside(clause: str, written: str, known: frozenset[str]) -> bool:
    """Whether a clause says little of a value, and that not in the memory's words: "Verny closed" after "the office in Orsay"."""
    words = clause.replace(written, " ").split()
    is_named = not written.islower()
    return is_named and written in clause and 0 < len(words) < _AN_ASIDE and not keys_in(" ".join(words)) & known


def sessions_of(heard: Iterable[Heard]) -> set[int]:
    return {one.said.at for one in heard}
