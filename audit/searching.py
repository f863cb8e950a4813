"""What entries of the record are found by; `sql/search_v1.sql` says which lexemes each of them has."""

import re
from collections.abc import Iterable

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, Func, Value

ACTION, STORE, AGENT, ACTOR = "k:", "o:", "g:", "a:"
MAX_TERMS = 20
# So many words begin with one or two letters that to look for them all takes long.
MIN_BEGINNING = 3
_WORD = re.compile(r"[^\W_]+")
_UPPER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class EntryWords(Func):
    """The lexemes of an entry: the expression that the index `entry_by_words` is of."""

    function = "daylight_entry_words_v1"
    output_field = SearchVectorField()

    def __init__(self) -> None:
        super().__init__("action", "actor_kind", "actor_id", "actor_name", "store", "subject", "body")


class HasLexemes(Func):
    """Whether an entry has what a `tsquery` of lexemes, as they are, asks for."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = BooleanField()
    conditional = True

    def __init__(self, tsquery: str) -> None:
        super().__init__(EntryWords(), Value(tsquery))


class HasWords(HasLexemes):
    """Whether an entry has what a `tsquery` of words asks for; PostgreSQL folds and parts them as those of entries."""

    template = "(%(expressions)s))"
    arg_joiner = " @@ to_tsquery('pg_catalog.simple', "


def all_words(text: str) -> str:
    """A query for all the words of `text`, the last one perhaps only begun; empty where it holds none."""
    words = _WORD.findall(text)[:MAX_TERMS]
    return " & ".join(f"'{word}'{_goes_on(word, place == len(words))}" for place, word in enumerate(words, 1))


def named(text: str) -> str:
    """A query for actors by all of these parts of their name, the last one perhaps only begun, or by their id.

    The database folds A-Z alone, so that nothing rests on its locale; other letters are asked for in either case.
    """
    parts = text.split()[:MAX_TERMS]
    ways = [{way.translate(_UPPER) for way in (part, part.lower(), part.upper(), part.title())} for part in parts]
    terms = [any_of(ACTOR, way, _goes_on(parts[place], place + 1 == len(parts))) for place, way in enumerate(ways)]
    return " & ".join(terms)


def any_of(mark: str, values: Iterable[str], goes_on: str = "") -> str:
    """A query for one of some values, exactly."""
    quoted = (value.replace("\\", "\\\\").replace("'", "''") for value in sorted(values))
    return "(" + " | ".join(f"'{mark}{value}'{goes_on}" for value in quoted) + ")"


def _goes_on(word: str, is_last: bool) -> str:
    return ":*" if is_last and len(word) >= MIN_BEGINNING else ""
