"""The words of a text, for the index, and what somebody looks for, as a `tsquery`. Pure; no Django.

Not PostgreSQL's own parser: it takes `/srv/app/main.py` for one word, so that `main.py` would not find it, and it
folds case by the database's locale. Both sides are cut here by the same rule, so they always agree.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

# Letters and digits in a row; scripts written without spaces go character by character.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_JSON_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
# A lexeme has at most 2,046 bytes; of longer words (keys, encoded files) the beginning does.
MAX_WORD = 64
MAX_TERMS = 20
# So many words begin with one or two letters that to look for them all takes seconds.
MIN_BEGINNING = 3
# Stands before the words of failed steps, which are indexed a second time, and before those of other fields.
ERROR, PRINCIPAL, TASK = "e:", "p:", "t:"
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


def words_of(text: str, *, is_json: bool = False) -> list[str]:
    """Lower-case words in order. Of serialised JSON, the escapes are no letters."""
    if is_json:
        text = _JSON_ESCAPE.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return [word[:MAX_WORD] for word in _WORD.findall(text.lower())]


class Vector:
    """A `tsvector` in the making. PostgreSQL keeps positions up to 16,383, and 256 of a word."""

    def __init__(self) -> None:
        self.places: dict[str, list[int]] = {}
        self.length = 0

    def add(self, words: Iterable[str], *prefixes: str) -> None:
        """The words in order, once under each prefix; a gap after them keeps phrases from running on."""
        places, begin = self.places, self.length
        for at, word in enumerate(words, begin + 1):
            for prefix in prefixes:
                places.setdefault(prefix + word, []).append(at)
            self.length = at
        self.length += self.length > begin

    def __str__(self) -> str:
        return " ".join(f"'{word}':{','.join(map(str, at[:256]))}" for word, at in self.places.items())


@dataclass(frozen=True)
class Phrase:
    """Words in a row; with `is_prefix` the last one may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def tsquery(self, prefix: str = "", between: str = " <-> ") -> str:
        lexemes = [f"'{prefix}{word}'" for word in self.words]
        if self.is_prefix:
            lexemes[-1] += ":*"
        return "(" + between.join(lexemes) + ")"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in a text as it was written, also right behind an escape of JSON."""
        body = r"(?:\\[bfnrt]|[\W_]){1,40}?".join(re.escape(word) for word in self.words)
        goes_on = self.is_prefix or len(self.words[-1]) == MAX_WORD or re.match(f"[{_UNSPACED}]", self.words[-1])
        before = "" if re.match(f"[{_UNSPACED}]", self.words[0]) else r"(?:(?<![^\W_])|(?<=\\[bfnrt]))"
        return re.compile(f"{before}{body}" + ("" if goes_on else r"(?![^\W_])"), re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Looking for the bare words first is faster: most texts hold none of them."""
        lowered = text.lower()
        return all(word in lowered for word in self.words) and self.pattern.search(text) is not None


@dataclass(frozen=True)
class Query:
    """`ledger locked`: both. `"ledger is locked"`: in a row. `ledg*`: the beginning. `-noon`: without. `a or b`: one."""

    alternatives: tuple[tuple[Phrase, ...], ...] = ()
    without: tuple[Phrase, ...] = ()

    @classmethod
    def read(cls, text: str) -> "Query":
        """Whatever was typed means something: quotes need not close, and signs that mean nothing are left out."""
        groups: list[list[Phrase]] = [[]]
        without: list[Phrase] = []
        for sign, quoted, bare in list(_TERM.findall(text))[:MAX_TERMS]:
            if bare.lower() == "or" and not sign:
                groups.append([])
            elif words := words_of(quoted or bare):
                goes_on = bare.endswith("*") and len(words[-1]) >= MIN_BEGINNING
                phrase = Phrase(tuple(words[:MAX_TERMS]), is_prefix=goes_on)
                (without if sign else groups[-1]).append(phrase)
        return cls(tuple(tuple(group) for group in groups if group), tuple(without))

    def __bool__(self) -> bool:
        return bool(self.alternatives)

    def tsquery(self, prefix: str = "") -> str:
        return self._tsquery(prefix, " <-> ")

    def loose_tsquery(self, prefix: str = "") -> str:
        """All the words, in any order: what the index can answer without looking into the rows."""
        return self._tsquery(prefix, " & ")

    def _tsquery(self, prefix: str, between: str) -> str:
        groups = (" & ".join(phrase.tsquery(prefix, between) for phrase in group) for group in self.alternatives)
        return " | ".join(f"({group})" for group in groups)

    def without_tsquery(self, prefix: str = "") -> str:
        return " | ".join(phrase.tsquery(prefix) for phrase in self.without)

    @property
    def has_order(self) -> bool:
        """Whether words must stand in a row."""
        return any(len(phrase.words) > 1 for phrase in (*self.phrases, *self.without))

    @property
    def phrases(self) -> Iterator[Phrase]:
        for group in self.alternatives:
            yield from group

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Finds any of its phrases."""
        if not self.alternatives:
            return None
        longest_first = sorted(self.phrases, key=lambda phrase: -len(phrase.words))
        return re.compile("|".join(f"(?:{phrase.pattern.pattern})" for phrase in longest_first), re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Whether one text alone holds all that one alternative asks for."""
        return any(all(phrase.is_in(text) for phrase in group) for group in self.alternatives)

    def touches(self, text: str) -> bool:
        """Whether it holds any of it."""
        return any(phrase.is_in(text) for phrase in self.phrases)
