"""What an agent was served at a moment: the stores that it read then, each as it was served then. From the record alone."""

from dataclasses import dataclass
from datetime import datetime

from audit.models import Entry
from audit.searching import AGENT, HasLexemes, any_of
from memory.history import Moment, moment_of
from memory.models import MemoryStore
from sessions.models import Agent

ATTACHMENTS = ("agent.changed", "store.changed")


@dataclass(frozen=True, slots=True)
class Belief:
    """One store that the agent read, and the entry that attached it."""

    store: MemoryStore
    moment: Moment
    attached: Entry


def beliefs_of(agent: Agent, at: datetime) -> list[Belief]:
    """The stores by name. A store that was attached outside the record, as fixtures do, is not among them."""
    attached = _attached(agent, at)
    stores = MemoryStore.objects.filter(name__in=attached)
    return [Belief(store, moment_of(store, at), attached[store.name]) for store in stores]


def _attached(agent: Agent, at: datetime) -> dict[str, Entry]:
    """Store name → the entry since which the agent read it without a break."""
    about = HasLexemes(any_of(AGENT, [agent.slug, f"agent:{agent.pk}"]))
    found: dict[str, Entry] = {}
    for entry in Entry.objects.filter(about, action__in=ATTACHMENTS, at__lte=at).order_by("seq"):
        if agent.slug in entry.data.get("attached", ()):
            found.setdefault(entry.store, entry)
        elif entry.subject == f"agent:{agent.pk}" and "after" in entry.data:
            now = entry.data["after"]["stores"]
            found = {name: found.get(name, entry) for name in now}
    return found
