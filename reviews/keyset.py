"""Pages by keyset: the next rows after a row, or before it, as fast deep in a list as at its start."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Expression, F, Field, Model, QuerySet, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

SEPARATOR = "~"


def integer(text: str) -> int:
    """A whole number of an address. Raises `ValueError`."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(text)
    return int(text)


def moment(text: str) -> datetime:
    """A time with its zone of an address. Raises `ValueError`."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not 1900 < at.year < 9000:
        raise ValueError(text)
    return at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order: what it is in the database and of a row, and how its values stand in an address."""

    name: str
    value: Expression | F
    of: Callable[[Any], Any]
    output_field: Field
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


@dataclass(frozen=True, slots=True)
class Order:
    """A total order: its last key is unique. Either all keys descend or all ascend, as one index does."""

    keys: tuple[Key, ...]
    descends: bool = True

    def cursor(self, row: Model) -> str:
        return SEPARATOR.join(key.write(key.of(row)) for key in self.keys)

    def place(self, cursor: str) -> list[Value] | None:
        """What `cursor` says; None for a malformed one."""
        parts = cursor.split(SEPARATOR)
        if len(parts) != len(self.keys):
            return None
        try:
            values = [key.read(part) for key, part in zip(self.keys, parts, strict=True)]
        except ValueError:
            return None
        return [Value(value, output_field=key.output_field) for key, value in zip(self.keys, values, strict=True)]

    def sorted(self, rows: QuerySet, *, backwards: bool = False) -> QuerySet:
        rows = rows.annotate(**{key.name: key.value for key in self.keys if key.value != F(key.name)})
        descends = self.descends != backwards
        return rows.order_by(*(F(key.name).desc() if descends else F(key.name).asc() for key in self.keys))

    def beyond(self, rows: QuerySet, place: list[Value], *, backwards: bool = False) -> QuerySet:
        """The rows after `place` in this order, nearest first; with `backwards` those before it."""
        lookup = TupleLessThan if self.descends != backwards else TupleGreaterThan
        return self.sorted(rows, backwards=backwards).filter(lookup(Tuple(*(key.name for key in self.keys)), place))


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order; `after` and `before` are the cursors of the next and the previous page, or empty."""

    rows: list[Any]
    after: str = ""
    before: str = ""


def page_of(rows: QuerySet, order: Order, *, size: int, after: str = "", before: str = "") -> Page:
    """One page. A malformed cursor gives the first; so does one before which less than a page is left."""
    if before and (place := order.place(before)):
        found = list(order.beyond(rows, place, backwards=True)[: size + 1])[::-1]
        if len(found) > size:
            found = found[1:]
            return Page(found, after=order.cursor(found[-1]), before=order.cursor(found[0]))
    place = order.place(after) if after else None
    found = list((order.beyond(rows, place) if place else order.sorted(rows))[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        after=order.cursor(shown[-1]) if len(found) > size else "",
        before=order.cursor(shown[0]) if place and shown else "",
    )
