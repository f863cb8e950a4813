"""Sessions past the retention of every store that learns from them lose their content, a batch at a time."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from audit.actors import Actor
from audit.holds import lock_holds
from audit.models import Erasure, LegalHold
from dreaming.models import SessionDigest, SessionNotes
from memory.models import Evidence, MemoryStore, Proposal
from reviews.erasing import NotErased, preview_of_sessions, take
from reviews.models import ReviewSettings
from sessions.models import Agent, Session, SessionQuerySet

RETENTION = Actor.system("retention")
BATCH = 200


def erase_old_sessions() -> int:
    """Erase what is due; returns how many sessions. A batch that meets a hold or a change waits for the next night."""
    return sum(_erase(ids, days) for agent, days in _kept_for() for ids in _batches(agent, days))


def sweep() -> None:
    """What a worker derived from a session while it was being erased goes as well."""
    for model in (SessionDigest, SessionNotes):
        model.objects.filter(session__sha256="").delete()


def _kept_for() -> Iterator[tuple[Agent, int]]:
    """Each agent whose sessions are not kept for good, with the days of the store that keeps them longest."""
    days = dict(ReviewSettings.objects.values_list("store", "keep_sessions_days"))
    for agent in Agent.objects.prefetch_related("stores"):
        kept = [days.get(store.pk) for store in agent.stores.all()]
        if kept and all(kept):
            yield agent, max(number for number in kept if number)


def due(agent: Agent, days: int) -> SessionQuerySet:
    """The agent's sessions that came in so long ago, but for those that are held, or that something still rests on."""
    old = Session.objects.filter(agent=agent, received_at__lt=Now() - timedelta(days=days)).exclude(sha256="")
    return old.exclude(_held(agent)).exclude(pk__in=still_cited())


def still_cited() -> Evidence:
    """The sessions whose quotes support what agents read, or stand beside what waits for a decision."""
    live = Q(proposal__decision__version__memory__head__isnull=False, stance=Evidence.Stance.SUPPORTS)
    waiting = Q(proposal__status__in=[Proposal.Status.OPEN, Proposal.Status.STALE])
    return Evidence.objects.filter(live | waiting).order_by().values("session")


def _held(agent: Agent) -> Q:
    standing = LegalHold.objects.standing()
    stores = {str(pk) for pk in MemoryStore.objects.filter(agents=agent).values_list("pk", flat=True)}
    if standing.filter(kind="store", subject__in=stores).exists():
        return Q(agent=agent)
    sessions = [int(pk) for pk in standing.filter(kind="session").values_list("subject", flat=True)]
    return Q(pk__in=sessions) | Q(principal__in=standing.filter(kind="principal").values("subject"))


def _batches(agent: Agent, days: int) -> Iterator[list[int]]:
    after = 0
    while ids := list(due(agent, days).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        after = ids[-1]


def _erase(ids: list[int], days: int) -> int:
    try:
        with transaction.atomic():
            lock_holds()
            locked = Session.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
            still = [row.pk for row in locked.only("pk")]
            take(
                found=preview_of_sessions(still),
                scope=Erasure.Scope.RETENTION,
                legal_basis=Erasure.LegalBasis.RETENTION,
                reason=f"They came in more than {days} days ago, which is how long their stores keep sessions.",
                actor=RETENTION,
            )
    except NotErased:
        return 0
    return len(still)
