"""Which sessions a version reached, and how those ended."""

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter

from django.db.models import BigIntegerField, F, OuterRef, Subquery

from dreaming.charts import Bar
from memory.history import sessions_served
from memory.models import MemoryRead, MemoryVersion
from reviews.keyset import Key, Order, Page, integer, page_of
from sessions.models import Session

PAGE_SIZE = 25
# Nobody needs to know how the ten thousandth session ended; a version may have reached millions.
LIMIT = 10_000

_NEWEST = Order(
    (
        Key("revision", F("revision"), attrgetter("revision"), BigIntegerField(), integer),
        Key("id", F("id"), attrgetter("pk"), BigIntegerField(), integer),
    )
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Of the newest `LIMIT` sessions at most: how many were served the version, have come in, and ended how.

    The rows of `page` are reads, each with its `session`, or None where it has not come in.
    """

    page: Page
    served: int
    received: int
    is_cut: bool
    ended: list[Bar] = field(default_factory=list)


def reach_of(version: MemoryVersion, *, after: str = "", before: str = "") -> Reach:
    """One page of the sessions that were served the version, the latest revision first, and all their outcomes."""
    reads = sessions_served(version).select_related("agent").order_by()
    page = page_of(reads, _NEWEST, size=PAGE_SIZE, after=after, before=before)
    _give_sessions(page.rows)
    same = Session.objects.filter(agent_id=OuterRef("agent_id"), external_id=OuterRef("session_external_id"))
    newest = _NEWEST.sorted(reads.select_related(None))[: LIMIT + 1]
    outcomes = list(newest.annotate(outcome=Subquery(same.values("outcome")[:1])).values_list("outcome", flat=True))
    counts = Counter(outcome for outcome in outcomes[:LIMIT] if outcome)
    received = counts.total()
    ended = [Bar(name, counts[name], received) for name in Session.Outcome.values if counts[name]]
    return Reach(page, min(len(outcomes), LIMIT), received, len(outcomes) > LIMIT, ended)


def _give_sessions(reads: list[MemoryRead]) -> None:
    names = [read.session_external_id for read in reads]
    agents = {read.agent_id for read in reads}
    rows = Session.objects.filter(agent_id__in=agents, external_id__in=names)
    found = {(row.agent_id, row.external_id): row for row in rows.defer("metadata", "extra")}
    for read in reads:
        read.session = found.get((read.agent_id, read.session_external_id))
