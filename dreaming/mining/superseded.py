"""Another value where a memory's stood: "kept in Verny" in the memory, "kept in Orsay" in newer sessions, name, number or code.

Nobody need say that it changed: that most who speak of the matter say the same other one, and hardly anybody since says
the old one, is enough.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from dreaming.mining.corrections import contradiction, key_of
from dreaming.mining.echoes import runs_of
from dreaming.mining.heard import Heard, in_place, is_name, is_old, sessions_of, users_first, wherever_said
from dreaming.mining.hostile import is_hidden, objection_to, reads_as_instruction
from dreaming.mining.kin import Kin
from dreaming.mining.labels import Label, label_of
from dreaming.mining.passages import passages, path_in_words
from dreaming.mining.places import Word, is_of_another, keys_in, words_in
from dreaming.mining.sayings import Sayings, is_read
from dreaming.mining.statements import says_change, says_end
from dreaming.mining.values import Finding, MemoryView, Thresholds

_SHARED = 2
_ABOUT = 0.5
_AGREE = 0.6
_IN_PLACE = 0.5
_ALIKE = 0.75
_SOME = 3
_FEW = 2


def superseded(
    memories: Sequence[MemoryView], said: Sayings, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories with a word or number in whose place enough sessions, of several principals, say the same other one.

    A saying is about a passage where it names half of its other words and, if the path names some of them, one of those.
    From the first session on that says the new one, most that speak of the passage must say it, and in the old one's
    place, as what the passage's word stands beside. Several must say that it changed, or have said the old one before, or
    say nearly the whole passage.
    """
    known = {memory.path: keys_in(f"{path_in_words(memory.path)}\n{memory.text}") for memory in memories}
    heard = list(_heard(said, frozenset().union(*known.values()))) if known else []
    holders: dict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(heard):
        for key in one.keys | one.answered:
            holders[key].append(row)
    kin = Kin(memories)
    found = []
    for memory in memories:
        for line in passages(memory.text):
            search = _Search(memory, line, known[memory.path], kin, said, limits, least)
            rows = Counter(row for key in known[memory.path] for row in holders.get(key, ()))
            finding = search.found([heard[row] for row, shared in sorted(rows.items()) if shared >= _SHARED])
            if finding is not None:
                found.append((memory, finding))
    return found


def _heard(said: Sayings, known: frozenset[str]) -> Iterator[Heard]:
    """Yield what sessions say in words of memories; an error is of one call, and what gives orders is no news."""
    errors = {(at, error.quote.seq) for at, digest in enumerate(said.window.digests) for error in digest.errors}
    for one in (*said.all, *said.answers()):
        keys, answered = keys_in(one.text), keys_in(one.answers)
        asks = one.by_user and one.text.rstrip().endswith("?")
        if asks or len((keys | answered) & known) < _SHARED or (one.at, one.quote.seq) in errors:
            continue
        if not reads_as_instruction(whole := one.within or one.quote.text) and not any(map(is_hidden, whole)):
            yield Heard(one, tuple(words_in(one.text)), keys, answered)


@dataclass(frozen=True, slots=True)
class _Swap:
    """The word of a passage and the one that is said in its place."""

    old: Word
    new: str
    told: tuple[Heard, ...]


class _Search:
    """A passage of a memory, and what is asked of what sessions say about it."""

    def __init__(
        self,
        memory: MemoryView,
        line: str,
        known: frozenset[str],
        kin: Kin,
        said: Sayings,
        limits: Thresholds,
        least: int,
    ) -> None:
        self.memory, self.line, self.known, self.kin, self.said = memory, line, known, kin, said
        self.limits, self.least = limits, least
        self.words = words_in(line)
        self.keys = keys_in(line)
        self.path = keys_in(path_in_words(memory.path))
        self.own = runs_of([f"{memory.path}: {memory.text}"])

    def found(self, heard: Sequence[Heard]) -> Finding | None:
        """Return the correction that most sessions call for, if any."""
        subject = self.path & self.keys
        about = [one for one in heard if (not subject or subject & (one.keys | one.answered)) and self._is_about(one)]
        new = Counter(key for key, _ in {(key, one.said.at) for one in about for key in one.keys - self.known})
        swaps = (
            swap
            for key, sessions in new.items()
            if sessions >= self.least
            for old in self.words
            if old.key not in self.path
            and (old.is_number or not (key.startswith(old.key) or old.key.startswith(key)))
            and (swap := self._swap(old, key, about))
        )
        best = min(
            swaps,
            key=lambda one: (not one.old.is_number, -len(sessions_of(one.told)), one.old.start, one.new),
            default=None,
        )
        return self._correction(best) if best else None

    def _is_about(self, one: Heard) -> bool:
        return len((one.keys | one.answered) & (self.keys | self.path)) >= _SHARED and not is_read(
            one.said, self.memory.path, self.own
        )

    def _swap(self, old: Word, new: str, about: Sequence[Heard]) -> _Swap | None:
        place = wherever_said(old, (one for one in about if new not in one.keys))
        placed = sessions_of(one for one in about if in_place(one, new, place))
        if len(placed) < _IN_PLACE * self.least:
            return None
        frame = self.keys - {old.key} - self._unit(old)
        near = users_first([one for one in about if self._fits(one, old, frame, new)], {old.key, new})
        told = tuple(one for one in near if new in one.keys and not is_old(one, new, old.key, self.known))
        sessions = sessions_of(told)
        if len(sessions) < self.least:
            return None
        kept = (
            sessions_of(one for one in near if old.key in one.keys and not is_old(one, old.key, new, self.known))
            - sessions
        )
        first = min(self.said.came(at) for at in sessions)
        since = {at for at in sessions_of(near) if self.said.came(at) >= first}
        both = sessions_of(one for one in told if old.key in one.keys and not is_old(one, old.key, new, self.known))
        if (
            len(sessions) < _AGREE * len(since)
            or len(kept & since) + len(both) > (1 - _AGREE) * len(sessions)
            or len(placed & sessions) < _IN_PLACE * len(sessions)
            or len({self.said.window.digests[at].principal for at in sessions}) < self.limits.min_principals
            or len(sessions_of(one for one in told if not one.said.by_agent)) < _SOME
            or len(sessions_of(one for one in told if len(frame & one.keys) >= _ABOUT * len(frame))) < _SOME
            or not self._is_proven(told, frame, kept - since, old, new)
        ):
            return None
        return _Swap(old, new, told)

    def _unit(self, old: Word) -> set[str]:
        """Return the word right behind a number, which says what is counted, and not of what."""
        behind = self.words[self.words.index(old) + 1 :][:1]
        return {word.key for word in behind if old.is_number and self.line[old.end : word.start] == " "}

    def _fits(self, one: Heard, old: Word, frame: frozenset[str], new: str) -> bool:
        """Whether a saying speaks of the passage, and not of another case that it has a number for, or another memory."""
        said = (one.keys | one.answered) - {old.key, new}
        shared = len(said & (frame | self.path))
        turned = _SHARED * (shared > 0 and {old.key, new} <= one.keys and is_old(one, old.key, new, self.known))
        if shared + turned < max(_SHARED, _ABOUT * min(len(frame), len(one.keys - {old.key, new}))):
            return False
        return not self._other_case(one, old, new) and not self.kin.takes(self.memory.path, one.keys, {new})

    def _other_case(self, one: Heard, old: Word, new: str) -> bool:
        """Whether a saying has another number or word where the passage has one beside the value: counter 9, not counter 4."""
        numbers = (word for word in self.words if word.is_number and word.key != old.key and word.key not in one.keys)
        stated = {word.key for word in one.words if word.is_number}
        if not old.is_number and stated and not self.keys & stated and any(word.is_number for word in self.words):
            return True
        if any(said.stands_as(word) for word in numbers for said in one.words if said.key != new):
            return True
        return is_of_another(
            [word for word in self.words if word.key != old.key],
            [word for word in one.words if word.key != new],
            self.known,
        )

    def _is_proven(self, told: Sequence[Heard], frame: frozenset[str], before: set[int], old: Word, new: str) -> bool:
        turned = sessions_of(one for one in told if old.key in one.keys and is_old(one, old.key, new, self.known))
        if old.is_number and label_of(self.line, self.line[old.start : old.end]) is Label.LIKELY:
            return len(turned) >= _FEW
        changed = turned | sessions_of(one for one in told if says_change(one.said.text) or says_end(one.said.text))
        # Another verb or noun in the passage's words may be another wording, where it is no name and no number.
        begins = not self.line[: old.start].rstrip("-*# ")
        named = old.is_number or (self.line[old.start].isupper() and not begins) or is_name(told, new)
        alike = sessions_of(one for one in told if named and len(frame & one.keys) >= _ALIKE * len(frame))
        return len(changed) >= _SOME or len(alike) >= _SOME or len(before) >= _SOME

    def _correction(self, swap: _Swap) -> Finding | None:
        before, after = self._old_phrase(swap), _new_phrase(swap, self.known)
        names = {
            name for one in swap.told for name in self.said.window.names_of(self.said.window.digests[one.said.at].ref)
        }
        if not after or objection_to(after, names):
            return None
        members = {one.said.at: one.said.quote for one in sorted(swap.told, key=lambda one: one.said.by_user)}
        wrong = re.compile(rf"(?<![\w.,:/#-]){re.escape(before)}(?![\w-]|[.,:]\d)")
        # Beside a sign that belongs to a word, as in "e-mail", the value is no word of its own.
        put_right = partial(wrong.sub, after.replace("\\", r"\\"))
        if put_right(self.line) == self.line:
            return None
        return contradiction(
            self.memory,
            f"newer sessions say {after}",
            put_right,
            {at: members[at] for at in sorted(members)},
            self.said.window,
            self.limits,
            key=key_of("restated", self.memory.path, before, after),
            title=f"newer sessions say {after}, not {before}",
        )

    def _old_phrase(self, swap: _Swap) -> str:
        """Return the word that falls, with those beside it that those who say the new one do not say."""
        sessions = len(sessions_of(swap.told))

        def falls(word: Word) -> bool:
            said = sessions_of(
                one for one in swap.told if word.key in one.keys and not is_old(one, word.key, swap.new, self.known)
            )
            return word.key not in self.path and len(said) <= (1 - _AGREE) * sessions

        place = self.words.index(swap.old)
        first = last = place
        if swap.old.is_number:
            return self.line[swap.old.start : swap.old.end]
        while first and falls(self.words[first - 1]) and self._adjoin(first - 1, first):
            first -= 1
        while last + 1 < len(self.words) and falls(self.words[last + 1]) and self._adjoin(last, last + 1):
            last += 1
        return self.line[self.words[first].start : self.words[last].end]

    def _adjoin(self, one: int, two: int) -> bool:
        return self.line[self.words[one].end : self.words[two].start] == " "


def _new_phrase(swap: _Swap, known: frozenset[str]) -> str:
    """Return the new word with those that mostly stand beside it and that the memory does not hold, as most write it."""
    written: Counter[str] = Counter()
    for one in swap.told:
        text = one.said.text
        place = next((at for at, word in enumerate(one.words) if word.key == swap.new), -1)
        if place < 0:
            continue
        first = last = place
        while (
            not swap.old.is_number
            and first
            and _goes_with(one, first - 1, text)
            and one.words[first - 1].key not in known
        ):
            first -= 1
        while not swap.old.is_number and _goes_on(one, last, text) and one.words[last + 1].key not in known:
            last += 1
        written[text[one.words[first].start : one.words[last].end]] += 1
    # The shortest that most write: what a few put beside it is not part of it.
    common = [
        phrase for phrase in written if sum(phrase in other for other in written.elements()) >= _AGREE * len(swap.told)
    ]
    return max(common, key=lambda phrase: (len(phrase.split()), written[phrase], phrase), default="")


def _goes_with(one: Heard, place: int, text: str) -> bool:
    return text[one.words[place].end : one.words[place + 1].start] == " "


def _goes_on(one: Heard, place: int, text: str) -> bool:
    return place + 1 < len(one.words) and _goes_with(one, place, text)
