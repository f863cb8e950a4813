"""What every page's header shows."""

from datetime import timedelta

from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import cached_property

from audit.roles import ADMIN, AUDITOR, REVIEWER, roles_of
from memory.models import MemoryStore, PolicyChange
from reviews.commenting import unseen_mentions
from reviews.holding import to_tell
from reviews.models import Gating, HeldBallot, SecondLook, Waiver
from reviews.queue import Filters, counted, top_of
from sessions.models import Agent

GATING_SHOWN = timedelta(days=14)

# The first part of the address → the item of the navigation.
_SECTIONS = {
    "": "desk",
    "proposals": "desk",
    "second-looks": "desk",
    "bulk": "desk",
    "re-reviews": "desk",
    "policy-changes": "agents",
    "signing": "desk",
    "dreams": "dreams",
    "stores": "memory",
    "new-store": "memory",
    "memories": "memory",
    "agents": "agents",
    "new-agent": "agents",
    "sessions": "sessions",
    "record": "record",
    "people": "record",
    "overview": "overview",
    "quality": "overview",
    "test-items": "overview",
}


class Navigation:
    """Asked of the database only by pages that show it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def roles(self) -> list[str]:
        user = getattr(self.request, "user", None)
        return sorted(roles_of(user)) if user else []

    @property
    def may_decide(self) -> bool:
        return REVIEWER in self.roles

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    @property
    def sees_people(self) -> bool:
        return ADMIN in self.roles or AUDITOR in self.roles

    @property
    def section(self) -> str:
        return _SECTIONS.get(self.request.path.split("/")[1], "")

    @cached_property
    def open_count(self) -> str:
        return counted(len(top_of(Filters(), self.request.user)))

    @cached_property
    def held(self) -> list[HeldBallot]:
        """One's own decisions that can still be taken back, or that could not take effect."""
        return to_tell(self.request.user) if self.may_decide else []

    @cached_property
    def mention_count(self) -> int:
        return unseen_mentions(self.request.user).count() if self.roles else 0

    @cached_property
    def stopped_stores(self) -> list[MemoryStore]:
        return list(MemoryStore.objects.filter(stopped_at__isnull=False))

    @cached_property
    def second_looks(self) -> int:
        return SecondLook.objects.filter(state=SecondLook.State.WAITING).count()

    @cached_property
    def re_reviews(self) -> int:
        return Waiver.objects.waiting().count()

    @cached_property
    def re_reviews_overdue(self) -> int:
        return Waiver.objects.overdue().count() if self.re_reviews else 0

    @cached_property
    def policy_changes(self) -> int:
        return PolicyChange.objects.filter(state=PolicyChange.State.PENDING).count()

    @cached_property
    def gatings(self) -> list[Gating]:
        """Those of the last two weeks whose agents still are gated because of them."""
        lately = list(Gating.objects.filter(at__gte=Now() - GATING_SHOWN).select_related("store"))
        if not lately:
            return []
        slugs = {slug for gating in lately for slug in gating.agents}
        gated = set(Agent.objects.filter(slug__in=slugs, mode=Agent.Mode.GATED).values_list("slug", flat=True))
        return [gating for gating in lately if gated.intersection(gating.agents)]


def navigation(request: HttpRequest) -> dict[str, object]:
    return {"nav": Navigation(request)}
