"""What the address of the list of sessions asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from urllib.parse import urlencode

from django.utils.dateparse import parse_date
from django.utils.functional import cached_property

from sessions.models import Session
from sessions.words import ERROR, Query

MAX_LENGTH = 500
OLDEST = "oldest"
# Names in addresses that are none in Python.
_NAMES = {"since": "from", "until": "to"}


@dataclass(frozen=True)
class Filters:
    """What the address of the list says. Values that mean nothing fall back to none."""

    q: str = ""
    agent: str = ""
    outcome: str = ""
    tool: str = ""
    errors: str = ""
    error: str = ""
    principal: str = ""
    task: str = ""
    since: str = ""
    until: str = ""
    order: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        given = {}
        for field in fields(cls):
            name = field.name
            value = query.get(_NAMES.get(name, name), "").replace("\x00", "").strip()[:MAX_LENGTH]
            if value and _means_something(name, value):
                given[name] = value
        return cls(**given)

    @property
    def query(self) -> str:
        """As an address says it."""
        values = ((_NAMES.get(field.name, field.name), getattr(self, field.name)) for field in fields(self))
        return urlencode([(name, value) for name, value in values if value])

    @property
    def narrows(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self) if field.name != "order")

    @property
    def has_more(self) -> bool:
        """Whether one of those is set that the form folds away."""
        return bool(self.error or self.principal or self.task or self.since or self.until)

    @cached_property
    def words(self) -> Query:
        return Query.read(self.q)

    @cached_property
    def error_words(self) -> Query:
        return Query.read(self.error)

    @property
    def wordless(self) -> str:
        """What was typed into a field for words without holding one to look for."""
        texts = (self.q, self.error, self.principal, self.task)
        return next((text for text in texts if text and not Query.read(text)), "")

    @property
    def asked(self) -> list[tuple[Query, str]]:
        """What is looked for, each with the prefix of the lexemes that it is looked for in."""
        return [(query, prefix) for query, prefix in ((self.words, ""), (self.error_words, ERROR)) if query]

    @property
    def has_order(self) -> bool:
        """Whether words must stand in a row."""
        return any(query.has_order for query, _ in self.asked)

    @property
    def needs_index(self) -> bool:
        return bool(self.q or self.tool or self.errors or self.error or self.principal or self.task)


def _means_something(name: str, value: str) -> bool:
    known = {"outcome": Session.Outcome.values, "errors": ["any"], "order": [OLDEST]}
    if name in ("since", "until"):
        return day(value) is not None
    return name not in known or value in known[name]


def day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
