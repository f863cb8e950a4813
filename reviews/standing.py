"""How a proposal stands now, cheap enough to be asked every few seconds by every page that is open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Case, CharField, Count, Exists, F, JSONField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, JSONObject, Now

from memory.models import Evidence, MemoryStore, Proposal
from reviews.models import ChangeRequest, Comment, HeldBallot, ReviewSettings
from reviews.prepared import Prepared
from sessions.models import Event


@dataclass(frozen=True, slots=True)
class Standing:
    """What others can change while a page is open. `held`, `asked`, `decided` and `reader` are what they say, or None."""

    pk: int
    status: str
    status_reason: str
    operation: str
    risk: list[str]
    decided_at: datetime | None
    live: int | None
    store_name: str
    stopped_at: datetime | None
    stopped_by: str
    stop_reason: str
    four_eyes: str | None
    modes: str | None
    held: dict[str, Any] | None
    asked: dict[str, Any] | None
    decided: dict[str, Any] | None
    escalated_by: str | None
    escalation_reason: str | None
    assignee: int | None
    assignee_name: str | None
    assigned_by: str | None
    reader: int | None
    reader_name: str | None
    reader_until: datetime | None
    comment_count: int
    commenter: str | None
    commenter_id: int | None
    quotes: int
    broken_quotes: int

    @property
    def needs_two(self) -> bool:
        """As `four_eyes.needs_two()` says it."""
        choices = ReviewSettings.FourEyes
        suspect = bool(self.risk) or self.operation == Proposal.Operation.DELETE
        by_store = self.four_eyes == choices.ALWAYS or (self.four_eyes == choices.FLAGGED and suspect)
        return by_store or self.escalated_by is not None

    @property
    def mark(self) -> dict[str, str]:
        """What a page carries, to be compared later."""
        return {
            "status": self.status,
            "held": str((self.held or {}).get("id", "")),
            "head": str(self.live or ""),
            "evidence": f"{self.quotes}-{self.broken_quotes}",
            "stopped": "yes" if self.stopped_by else "",
            "asked": str((self.asked or {}).get("id", "")),
            "people": "two" if self.needs_two else "one",
            "modes": self.modes or "",
            "assignee": str(self.assignee or ""),
            "comments": str(self.comment_count),
        }


def standing_of(proposal_id: int) -> Standing | None:
    """In two queries; None for an unknown proposal."""
    row = next(_STANDING.rows(proposal_id), None)
    evidence = next(_EVIDENCE.rows(proposal_id), {"quotes": 0, "broken_quotes": 0})
    return Standing(**row, **evidence) if row else None


def _standing(proposal_id: int) -> QuerySet[Any]:
    here = OuterRef("pk")
    held = HeldBallot.objects.filter(proposal=here, state=HeldBallot.State.HELD)
    asked = ChangeRequest.objects.waiting().filter(proposal=here)
    said = Comment.objects.filter(proposal=here).order_by("-id")
    decided = JSONObject(user="decision__decider_id", name="decision__decider_name", verdict="decision__verdict")
    found = {
        "live": F("base_version__memory__head_id"),
        "store_name": F("store__name"),
        "stopped_at": F("store__stopped_at"),
        "stopped_by": F("store__stopped_by"),
        "stop_reason": F("store__stop_reason"),
        "four_eyes": F("store__review_settings__four_eyes"),
        "modes": _modes(),
        "held": _one(held, id="id", user="user_id", name="user_name"),
        "asked": _one(asked, id="id", user="by_id", name="by_name", note="note"),
        "decided": Case(When(decision__isnull=False, then=decided), output_field=JSONField()),
        "escalated_by": F("escalation__by_name"),
        "escalation_reason": F("escalation__reason"),
        "assignee": F("assignment__assignee_id"),
        "assignee_name": F("assignment__assignee_name"),
        "assigned_by": F("assignment__by_name"),
        "reader": Case(When(desk_claim__expires_at__gt=Now(), then=F("desk_claim__user_id"))),
        "reader_name": F("desk_claim__user_name"),
        "reader_until": F("desk_claim__expires_at"),
        "comment_count": Coalesce(Subquery(_counted(said)), Value(0)),
        "commenter": Subquery(said.values("author_name")[:1]),
        "commenter_id": Subquery(said.values("author_id")[:1]),
    }
    own = ("pk", "status", "status_reason", "operation", "risk", "decided_at")
    return Proposal.objects.order_by().filter(pk=proposal_id).annotate(**found).values(*own, *found)


def _modes() -> Subquery:
    """The modes of the agents that read the store, each once."""
    modes = StringAgg("agents__mode", delimiter=Value(" "), distinct=True, order_by="agents__mode")
    store = MemoryStore.objects.filter(pk=OuterRef("store_id")).order_by()
    return Subquery(store.values("pk").annotate(all=modes).values("all"))


def _one(rows: QuerySet[Any], **fields: str) -> Subquery:
    return Subquery(rows.values(found=JSONObject(**fields))[:1], output_field=JSONField())


def _counted(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().values("proposal").annotate(number=Count("pk")).values("number")


def _evidence(proposal_id: int) -> QuerySet[Any]:
    """How many quotes there are, and how many do not stand any more, asked of the database: events may hold megabytes."""
    events = Event.objects.filter(session_id=OuterRef("session_id"), seq=OuterRef("seq")).order_by()
    quote = Cast(OuterRef("quote"), CharField())
    stands = Exists(events.filter(Q(text__contains=quote) | Q(output__contains=quote) | Q(input__contains=quote)))
    rows = Evidence.objects.filter(proposal_id=proposal_id).order_by().annotate(stands=stands).values("proposal_id")
    return rows.annotate(quotes=Count("pk"), broken_quotes=Count("pk", filter=Q(stands=False))).values(
        "quotes", "broken_quotes"
    )


_STANDING = Prepared(_standing)
_EVIDENCE = Prepared(_evidence)
