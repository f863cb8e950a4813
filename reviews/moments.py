"""What an address says of a moment of a store, and what lies between two of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils import timezone

from memory.history import Moment, moment_of
from memory.models import MemoryStore, MemoryVersion
from reviews.diffs import Piece, diff_lines
from reviews.keyset import integer
from reviews.record import moment as read_time
from reviews.texts import text_of

KINDS = {"created": "created", "modified": "changed", "renamed": "renamed", "deleted": "deleted"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The moment that is shown, and what was wrong with the one that was asked for, if anything was."""

    moment: Moment
    error: str = ""


def asked_of(store: MemoryStore, query: Mapping[str, str], revision: str = "revision", at: str = "at") -> Asked:
    """A revision, or a time (UTC where it names no zone); now where the address says neither, or nonsense."""
    now = Moment(store.revision if store.served_revision is None else store.served_revision, store.revision)
    if text := query.get(revision, "").strip():
        try:
            number = integer(text)
        except ValueError:
            return Asked(now, f"“{text}” is no revision.")
        if number > store.revision:
            return Asked(now, f"{store.name} has no revision {number}; it is at {store.revision}.")
        return Asked(Moment(number, number))
    if text := query.get(at, "").strip():
        # A plus sign that nobody escaped is a space to whoever reads addresses.
        time = read_time(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
        if time is None:
            return Asked(now, f"“{text}” is no time. Write it like 2026-03-03T09:30, in UTC.")
        if time > timezone.now():
            return Asked(now, f"{text} is not yet over.")
        return Asked(moment_of(store, time))
    return Asked(now)


@dataclass(slots=True)
class Change:
    """One memory that differs: its version on either side, and all that were published in between."""

    before: MemoryVersion | None
    after: MemoryVersion | None
    between: list[MemoryVersion] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def path(self) -> str:
        return (self.after or self.before).path

    @property
    def cursor(self) -> tuple[str, int]:
        return self.path, (self.after or self.before).memory_id

    @property
    def kind(self) -> str:
        if self.before is None:
            return "created"
        if self.after is None:
            return "deleted"
        return "renamed" if self.before.path != self.after.path else "modified"

    @property
    def is_reworded(self) -> bool:
        return bool(self.before and self.after and (self.before.sha256 != self.after.sha256 or self.is_erased))

    @property
    def is_erased(self) -> bool:
        """Nobody can say any more what differs."""
        return any(side.is_erased for side in self.sides)

    @property
    def sides(self) -> list[MemoryVersion]:
        return [side for side in (self.before, self.after) if side]


def changes_between(store: MemoryStore, first: int, second: int) -> list[Change]:
    """The memories that differ from one revision to another, by path, without texts. `first` may be the later one."""
    low, high = sorted((first, second))
    moved = store.versions.filter(revision__gt=low, revision__lte=high).order_by().values("memory_id")
    sides = [
        {row.memory_id: row for row in store.versions_at(revision).filter(memory_id__in=moved).defer("content")}
        for revision in (first, second)
    ]
    pairs = ((sides[0].get(pk), sides[1].get(pk)) for pk in sides[0].keys() | sides[1].keys())
    changes = [Change(*pair) for pair in pairs]
    differ = (change for change in changes if change.kind != "modified" or change.is_reworded)
    return sorted(differ, key=lambda change: change.cursor)


def with_texts(changes: Iterable[Change], first: int, second: int) -> list[Change]:
    """The changes with their word-level difference, and the versions in between with who decided them."""
    changes = list(changes)
    low, high = sorted((first, second))
    ids = [side.pk for change in changes for side in change.sides]
    whole = MemoryVersion.objects.in_bulk(ids)
    versions = MemoryVersion.objects.filter(memory_id__in=[change.cursor[1] for change in changes])
    steps = versions.filter(revision__gt=low, revision__lte=high).defer("content").select_related("decision__proposal")
    for change in changes:
        before, after = (side and whole[side.pk] for side in (change.before, change.after))
        change.pieces = diff_lines(text_of(before), text_of(after))
        change.between = [step for step in steps if step.memory_id == change.cursor[1]]
    return changes
