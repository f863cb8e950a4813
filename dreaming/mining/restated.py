"""Amounts that sessions state otherwise than a memory: "6 minutes" in the memory, "4 minutes" in newer sessions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dreaming.mining.amounts import Amount, amounts_of, is_unit, without_amounts
from dreaming.mining.corrections import contradiction, key_of
from dreaming.mining.echoes import runs_of
from dreaming.mining.endings import old_side
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.kin import Kin
from dreaming.mining.labels import Label, label_of
from dreaming.mining.likeness import stem, stems_of
from dreaming.mining.passages import CLAUSE, advice_in, passages, path_in_words
from dreaming.mining.places import is_of_another, keys_in, words_in
from dreaming.mining.sayings import Saying, Sayings, is_read
from dreaming.mining.statements import says_change, says_end
from dreaming.mining.values import Finding, MemoryView, Quote, Thresholds

_SHARED = 2
_ABOUT = 0.3
_AGREE = 0.6
_RARE = 0.05
_SOME = 3
_FEW = 2
_NUMBER = re.compile(r"(?<![\w.,:/#-])\d+(?:[.,:]\d+)?(?![\w:/#-])(?!\.\d)")
# How a number is named that is no longer the one: "not 14", "from 14 to 45".
_FORMER = (
    r"\b(?:not|no longer|never|instead of|rather than|was|were)\s+(?:(?:at|the|a|only|just)\s+)?{0}"
    r"|\bfrom\s+{0}\b[^,;.]{{0,30}}\sto\s"
)
_OLD = re.compile(
    r"\b(?:old|wrong|stale|former|previous)\b|\b(?:earlier|before)(?=\W*$|\W+(?:it|that|this)\W+was\b)", re.IGNORECASE
)
_ASKED = re.compile(r"\d[^.!?]*\?")
_Numbers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A saying with numbers: its amounts, its numbers without a unit, and what it answers."""

    said: Saying
    amounts: tuple[Amount, ...]
    bare: frozenset[str]
    answered: frozenset[str]
    answers: tuple[Amount, ...]
    bare_answers: frozenset[str]

    @classmethod
    def of(cls, said: Saying) -> _Stated | None:
        """Return what a saying states; None if it states no amount, and no number that stands for one as users speak, or asks."""
        if said.by_user and _ASKED.search(said.quote.text):
            return None
        amounts = tuple(amounts_of(said.quote.text))
        bare = _bare(said.quote.text, amounts) if said.by_user else frozenset[str]()
        if not amounts and not bare:
            return None
        answers = tuple(amounts_of(said.answers))
        return cls(said, amounts, bare, _stems(said.answers), answers, _bare(said.answers, answers))

    def names(self, amount: Amount) -> bool:
        """Whether an amount, or its number alone, is named here or in what is answered."""
        answered = (one for one in self.answers if _is_one(one.unit, amount.unit))
        return (
            self.tells(amount)
            or any(one.number == amount.number for one in answered)
            or amount.number in self.bare_answers
        )

    def tells(self, amount: Amount) -> bool:
        """Whether an amount, or its number alone, is named here."""
        named = (one for one in self.amounts if _is_one(one.unit, amount.unit))
        return amount.number in self.bare or any(one.number == amount.number for one in named)

    def says_change(self, amount: Amount) -> bool:
        """Whether it says that something is not as it was, or names the amount beside another."""
        text = self.said.quote.text
        return self.tells(amount) or says_change(text) or says_end(text) or bool(_OLD.search(text))

    def numbers(self, amount: Amount) -> _Numbers:
        """Return the numbers said of the amount's unit, as they are written; users who name it leave the unit out."""
        found = {one.number: one.written for one in self.amounts if _is_one(one.unit, amount.unit)}
        bare = self.bare if self.names(amount) else ()
        return {number: number for number in sorted(bare)} | found


def restated(
    memories: Sequence[MemoryView], said: Sayings, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories with an amount for which several sessions, of several principals, agree on another one.

    A saying is about a memory where they share words and the amounts one unit. To name the memory's own amount
    counts as a word, and so does what a user replies to. What repeats the memory was read to the session, and says nothing.
    """
    stated: dict[str, list[_Stated]] = defaultdict(list)
    for one in filter(None, map(_Stated.of, said.all)):
        for unit in {amount.unit for amount in one.amounts} | ({""} if one.bare else set()):
            stated[unit].append(one)
    found = []
    kin = Kin(memories)
    for memory in memories:
        for amount in _stated_in(memory):
            units = [unit for unit in sorted(stated) if _is_one(unit, amount.unit)]
            same = [one for unit in units for one in stated[unit]]
            # A unit that few sessions use tells what a sentence is about, as a word does.
            rare = len({one.said.at for one in same}) <= _RARE * len(said.window.digests)
            alone = [one for one in stated[""] if one.names(amount)]
            about = _about(memory, amount, {id(one): one for one in (*same, *alone)}.values(), rare, kin)
            finding = _restated(memory, amount, about, said, limits, least)
            if finding is not None:
                found.append((memory, finding))
                break
    return found


def _stated_in(memory: MemoryView) -> list[Amount]:
    """Return the amounts of a memory, then its numbers without a unit, which only those who name them speak of."""
    text = advice_in(memory.text)
    amounts = amounts_of(text)
    bare = (Amount(number, "", number) for number in sorted(_bare(text, amounts)))
    return [one for one in dict.fromkeys((*amounts, *bare)) if label_of(text, one.written) is not Label.SURE]


def _is_one(unit: str, other: str) -> bool:
    return bool(unit and other) and is_unit(unit, other)


def _bare(text: str, amounts: Iterable[Amount]) -> frozenset[str]:
    """Return the numbers of a text that are not part of its amounts."""
    for amount in amounts:
        text = text.replace(amount.written, " ", 1)
    return frozenset(_NUMBER.findall(text))


def _stems(text: str) -> frozenset[str]:
    return frozenset(name for name, _ in stems_of(without_amounts(text)))


def _about(
    memory: MemoryView, amount: Amount, stated: Iterable[_Stated], rare: bool, kin: Kin
) -> dict[int, list[tuple[_Stated, bool]]]:
    """Return, by session, the sayings about the memory's amount, each with whether that is sure without a rare unit."""
    matter = _stems(f"{path_in_words(memory.path)}\n{memory.text}")
    own = runs_of([f"{memory.path}: {memory.text}"])
    known = keys_in(f"{path_in_words(memory.path)}\n{memory.text}")
    words = words_in(next((line for line in passages(memory.text) if amount.written in line), memory.text))
    found: dict[int, list[tuple[_Stated, bool]]] = defaultdict(list)
    for one in stated:
        shared = len(matter & (one.said.signs.keys() | one.answered)) + one.names(amount)
        enough = max(_SHARED, _ABOUT * min(len(matter), len(one.said.signs)))
        if shared + rare < enough or is_read(one.said, memory.path, own):
            continue
        if not one.names(amount) and is_of_another(words, words_in(one.said.text), known):
            continue
        if not kin.takes(memory.path, keys_in(one.said.text), one.numbers(amount).keys() - {amount.number}):
            found[one.said.at].append((one, shared >= enough))
    return found


def _restated(
    memory: MemoryView,
    amount: Amount,
    about: Mapping[int, Sequence[tuple[_Stated, bool]]],
    said: Sayings,
    limits: Thresholds,
    least: int,
) -> Finding | None:
    window = said.window
    votes = {at: _vote([one for one, _ in those], amount) for at, those in about.items()}
    # A count of nothing is how one call ended, no rule.
    others = Counter(name for names in votes.values() for name in names if name not in {amount.number, "0"})
    agreed = max(others, key=lambda name: (others[name], name), default="")
    # What was said before anybody said the new one, was true then.
    first = min((said.came(at) for at, names in votes.items() if agreed in names), default=None)
    before = sum(
        first is not None and said.came(at) < first and names == {amount.number} for at, names in votes.items()
    )
    about = {at: those for at, those in about.items() if first is not None and said.came(at) >= first}
    votes = {at: votes[at] for at in about}
    members: dict[int, Quote] = {}
    clearly = changed = alike = witnessed = 0
    may_be_label = label_of(memory.text, amount.written) is Label.LIKELY
    frame = _stems(next((line for line in passages(memory.text) if amount.written in line), memory.text))
    for at, those in sorted(about.items()):
        naming = [(one, sure) for one, sure in those if agreed in one.numbers(amount) and not _orders(one)]
        if naming:
            members[at] = naming[0][0].said.quote
            clearly += any(sure for _, sure in naming)
            witnessed += any(not one.said.by_agent for one, _ in naming)
            changed += any(one.says_change(amount) and (one.tells(amount) or not may_be_label) for one, _ in naming)
            alike += any(len(frame & one.said.signs.keys()) >= _AGREE * len(frame) for one, _ in naming)
    people = {window.digests[at].principal for at in members}
    said_alone, kept = (sum(names == {number} for names in votes.values()) for number in (agreed, amount.number))
    if (
        len(members) < max(least, _AGREE * len(about))
        or min(clearly, witnessed) < _SOME
        or (changed < _FEW and (may_be_label or max(alike, before) < _SOME))
        or len(people) < limits.min_principals
        or said_alone < max(_SOME, _AGREE * (said_alone + kept))
    ):
        return None
    after = _written(agreed, amount, [one for those in about.values() for one, _ in those])
    wrong = re.compile(rf"(?<![\w.,:/#-]){re.escape(amount.written)}(?![\w-]|:\d)", re.IGNORECASE)
    put = partial(wrong.sub, after)
    if put(memory.text) == memory.text:
        return None
    return contradiction(
        memory,
        f"newer sessions say {after}",
        put,
        members,
        window,
        limits,
        key=key_of("restated", memory.path, amount.written, after),
        title=f"newer sessions say {after}, not {amount.written}",
    )


def _orders(one: _Stated) -> bool:
    return reads_as_instruction(one.said.quote.text)


def _vote(stated: Collection[_Stated], amount: Amount) -> set[str]:
    """Return the numbers that a session holds for true: those its users say, if they say any; not those called former."""
    users = [one for one in stated if one.said.by_user]
    return {number for one in users or stated for number in _in_force(one.said.quote.text, one.numbers(amount))}


def _in_force(text: str, numbers: _Numbers) -> _Numbers:
    """Return the numbers of a text without those that it calls former, if that leaves any."""
    left = {
        number: written
        for number, written in numbers.items()
        if not is_former(written, text, [other for other in numbers.values() if other != written])
    }
    return left or numbers


def is_former(written: str, text: str, others: Iterable[str] = ()) -> bool:
    """Whether a text calls a value former: "not 14", "from 14 to 45", or in a clause of an end that names none of others."""
    if re.search(_FORMER.format(re.escape(written)), text, re.IGNORECASE):
        return True
    clauses = (clause for clause in CLAUSE.split(text) if written in clause)
    ends = [clause for clause in clauses if says_end(clause) or _OLD.search(clause)]
    olds = (clause if (old := old_side(clause)) is None else old for clause in ends)
    return any(written in old and not any(other in old for other in others) for old in olds)


def _written(number: str, amount: Amount, stated: Iterable[_Stated]) -> str:
    """Return an amount as most write it with the memory's unit."""
    as_said = Counter(
        one.written.lower()
        for those in stated
        for one in those.amounts
        if one.number == number and stem(one.unit) == stem(amount.unit)
    )
    return min(as_said, key=lambda text: (-as_said[text], text), default=f"{number} {amount.unit}".rstrip())
