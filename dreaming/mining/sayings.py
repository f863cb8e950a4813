"""What sessions say, sentence by sentence: users' remarks with what they answer, and what anybody stated of amounts and changes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dreaming.mining.echoes import repeats
from dreaming.mining.likeness import signs_of
from dreaming.mining.passages import spoken
from dreaming.mining.statements import sentences_of
from dreaming.mining.values import Digest, Quote
from dreaming.mining.window import Window

_FIELD = re.compile(r'"([^"\\]+)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.]*)')


@dataclass(frozen=True, slots=True)
class Saying:
    """What one session says; `signs` are its words, 1 where asserted and -1 where refused; `answers` is what a user
    replies to, `worded` an answer's fields in words, `within` the answer that a sentence is taken from. What only agents say
    is proof of nothing: it may be what they took from memory, or made up.
    """

    at: int
    quote: Quote
    by_user: bool
    answers: str
    signs: dict[str, int]
    worded: str = ""
    within: str = ""
    by_agent: bool = False

    @property
    def text(self) -> str:
        """What is said, in words: of an answer in fields, those with their names."""
        return self.worded or self.quote.text


@dataclass(frozen=True, slots=True)
class Sayings:
    """All that a window's sessions say, and which of it holds a word."""

    window: Window
    all: Sequence[Saying]
    holders: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, window: Window) -> Sayings:
        """Collect what the digests of a window quote; what a user's remark holds already is not said twice."""
        found = cls(window, [said for at, digest in enumerate(window.digests) for said in _said(at, digest)])
        for row, said in enumerate(found.all):
            for name in said.signs:
                found.holders[name].append(row)
        return found

    def came(self, at: int) -> tuple[str, int]:
        """Return a session's place in time: the week in which it began, where known, then the order in which sessions came."""
        return self.window.digests[at].week, self.window.digests[at].ref

    def answers(self) -> Iterator[Saying]:
        """Yield the sentences of tools' short answers, or their fields in words; without signs, as few are ever looked at."""
        for at, digest in enumerate(self.window.digests):
            for answer in digest.said:
                text = answer.quote.text
                sentences = list(sentences_of(text))
                for sentence in sentences:
                    yield Saying(at, Quote(answer.quote.seq, sentence), False, "", {}, within=text)
                if not sentences and (fields := in_words(text)):
                    yield Saying(at, answer.quote, False, "", {}, fields, text)


def in_words(text: str) -> str:
    """Return the fields of JSON in words: `{"owner": "crew B", "limit": 4}` is "owner is crew B, limit is 4"."""
    return ", ".join(f"{spoken(name)} is {value.strip(chr(34))}" for name, value in _FIELD.findall(text))


def is_read(said: Saying, path: str, own: frozenset[str]) -> bool:
    """Whether a saying reads a memory aloud: it repeats its runs of words, or, unless a user says so, names its path."""
    return repeats(said.quote.text, own) or (not said.by_user and path in said.quote.text)


def _said(at: int, digest: Digest) -> Iterator[Saying]:
    spoken: dict[int, str] = {}
    for remark in digest.remarks:
        spoken[remark.quote.seq] = remark.quote.text
        yield Saying(at, remark.quote, True, remark.about, signs_of(remark.quote.text))
    for quote in digest.stated:
        if quote.text not in spoken.get(quote.seq, ""):
            yield Saying(at, quote, False, "", signs_of(quote.text), by_agent=quote.seq in digest.own)
