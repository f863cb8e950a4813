"""What sessions say is over, and what is in its place: "the fire brigade no longer takes reports", "Thursday, not Tuesday"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from dreaming.mining.echoes import runs_of
from dreaming.mining.endings import ended, over_in
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.likeness import signs_of
from dreaming.mining.passages import passages, path_in_words
from dreaming.mining.renewed import Fallen, renewed
from dreaming.mining.sayings import Saying, Sayings, is_read
from dreaming.mining.statements import says_change, says_end, says_end_of_all, without_changes
from dreaming.mining.templates import masked
from dreaming.mining.values import Finding, MemoryView, Thresholds

_SHARED = 2
_ABOUT = 0.3
_AGREE = 0.6
_MOSTLY = 0.5
_PART = 0.33
_SOME = 3
_FEW = 2
_MOSTLY_OF_IT = 0.75


def outdated(
    memories: Sequence[MemoryView], said: Sayings, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories that assert a word of which enough sessions, of several principals, say that it is over, or refuse it
    and say another, whoever says it and however it is worded.

    Most sessions that name the word must say so, some of them share more words with its passage, and some are users, or
    several refuse the word and most say the same other one. A few are enough where many say the other one of what the
    memory is about.
    """
    over = _over(said)
    found = []
    for memory in memories:
        fallen = _Search(memory, said, over, least, limits.min_principals).fallen()
        finding = renewed(memory, fallen, said, limits) if fallen else None
        if finding:
            found.append((memory, finding))
    return found


def _over(said: Sayings) -> dict[str, set[int]]:
    """Return for each word the sayings that say that it is over, where several sessions do.

    An error is of one call, an answer that names an id of one object, and what gives orders is no news.
    """
    errors = {(at, error.quote.seq) for at, digest in enumerate(said.window.digests) for error in digest.errors}
    over: dict[str, set[int]] = defaultdict(set)
    for row, saying in enumerate(said.all):
        text = saying.quote.text
        words = ended(text)
        if not words or (saying.at, saying.quote.seq) in errors or reads_as_instruction(text):
            continue
        if saying.by_user or "<id>" not in masked(text):
            for name in words & saying.signs.keys():
                over[name].add(row)
    return {name: rows for name, rows in over.items() if len({said.all[row].at for row in rows}) >= _FEW}


@dataclass(frozen=True, slots=True)
class _Search:
    """A memory, and what sessions say is over, each word with the sayings that say so."""

    memory: MemoryView
    said: Sayings
    over: Mapping[str, set[int]]
    least: int
    people: int

    def fallen(self) -> Fallen | None:
        """Return the word of the memory that most sessions say is over; None if there is none."""
        lines = passages(self.memory.text)
        told = {name for line in lines for name in over_in(line)}
        found = []
        for line in lines:
            asserted = {name for name, sign in signs_of(line).items() if sign > 0 and name in self.over}
            found += [fallen for name in asserted - told if (fallen := self._judged(name, line))]
        return min(found, key=lambda one: (-one.apart, -len(one.members), one.line, one.name), default=None)

    def _judged(self, name: str, line: str) -> Fallen | None:
        matter = set(signs_of(f"{path_in_words(self.memory.path)}\n{line}"))
        turned = self._unread(row for row in self.over[name] if _is_news(self.said.all[row].quote.text, line))
        apart = len(self._sessions(turned))
        instead = self._instead(turned)
        beside = self._unread(row for row in self.said.holders.get(instead, ()) if self._asserts(row, instead))
        turned |= {row for row in beside if name in self.said.all[row].signs}
        sure = self._sessions(self._about(turned, matter))
        successors = self._successors(beside, line)
        members = self._members(turned | successors | self._about(beside, matter))
        succeeded = successors and len(self._sessions(successors | turned)) >= self.least
        users = sum(one.by_user for one in members.values())
        refused = self._sessions(row for row in turned if self.said.all[row].signs[name] < 0)
        firm = refused | self._sessions(row for row in turned if says_end_of_all(self.said.all[row].quote.text))
        people = {self.said.window.digests[at].principal for at in members}
        if (
            len(members) < self.least
            or len(people) < self.people
            or min(apart, len(sure)) < (_FEW if succeeded else _SOME)
            or sum(not one.by_agent for one in members.values()) < _SOME
            or len(firm) < (1 if succeeded else _SOME)
            or (users < _FEW and not (instead and len(refused) >= _SOME))
        ):
            return None
        naming = len(self._sessions(self._unread(self.said.holders[name])))
        if apart < _PART * naming or len(self._sessions(turned)) < _AGREE * naming:
            return None
        return Fallen(name, line, members, apart, instead)

    def _instead(self, turned: set[int]) -> str:
        """Return the new word that most of the sessions say that turn from a word; '' if none."""
        known = signs_of(f"{path_in_words(self.memory.path)}\n{self.memory.text}").keys()
        new: dict[str, set[int]] = defaultdict(set)
        for row in turned:
            saying = self.said.all[row]
            for other in signs_of(without_changes(saying.quote.text)).keys() - known:
                if self._asserts(row, other):
                    new[other].add(saying.at)
        least = max(_FEW, _MOSTLY * len(self._sessions(turned)))
        fit = [other for other, sessions in new.items() if len(sessions) >= least]
        return min(fit, key=lambda other: (-len(new[other]), other), default="")

    def _about(self, rows: Iterable[int], matter: set[str]) -> set[int]:
        return {row for row in rows if _shares(self.said.all[row], matter)}

    def _successors(self, rows: Set[int], line: str) -> set[int]:
        """Return those of the sayings that name what the memory's path and passage are both about, if most do: the word
        that they share, which the memory does not hold, is said of hardly anything else.
        """
        subject = signs_of(path_in_words(self.memory.path)).keys() & signs_of(line).keys()
        named = {row for row in rows if subject & self.said.all[row].signs.keys()}
        return named if len(named) >= _MOSTLY_OF_IT * len(rows) else set()

    def _asserts(self, row: int, name: str) -> bool:
        return self.said.all[row].signs.get(name, 0) > 0

    def _unread(self, rows: Iterable[int]) -> set[int]:
        """Return the sayings that do not read the memory aloud."""
        own = runs_of([f"{self.memory.path}: {self.memory.text}"])
        return {row for row in rows if not is_read(self.said.all[row], self.memory.path, own)}

    def _sessions(self, rows: Iterable[int]) -> set[int]:
        return {self.said.all[row].at for row in rows}

    def _members(self, rows: Iterable[int]) -> dict[int, Saying]:
        """Return one saying of each session, a user's before others."""
        found: dict[int, Saying] = {}
        for row in sorted(rows, key=lambda row: (not self.said.all[row].by_user, row)):
            found.setdefault(self.said.all[row].at, self.said.all[row])
        return {at: found[at] for at in sorted(found)}


def _is_news(text: str, line: str) -> bool:
    """Whether a sentence says that something changed or is over in other words than a passage does."""
    return says_end(text, line) or (says_change(text) and not says_end(text))


def _shares(saying: Saying, matter: set[str]) -> bool:
    """Whether a saying, or a user's together with what it answers, is about a passage."""
    shared = len(matter & (saying.signs.keys() | signs_of(saying.answers).keys()))
    return shared >= max(_SHARED, _ABOUT * min(len(matter), len(saying.signs)))
