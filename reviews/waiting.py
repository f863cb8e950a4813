"""Whose turn it is: which open proposals wait for something other than this reviewer's decision, and for what."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from memory.models import Proposal, ProposalQuerySet
from reviews.models import (
    Assignment,
    ChangeRequest,
    Claim,
    Escalation,
    HeldBallot,
    ReviewSettings,
    Snooze,
    Vote,
)

FourEyes = ReviewSettings.FourEyes


def _blocks(reader: int) -> list[QuerySet]:
    """What takes an open proposal out of a reviewer's queue; each row names its proposal."""
    return [
        HeldBallot.objects.filter(state=HeldBallot.State.HELD),
        ChangeRequest.objects.filter(answer=None, withdrawn_at=None),
        Vote.objects.filter(reader_id=reader),
        Snooze.objects.filter(user_id=reader, until__gt=Now()),
        Assignment.objects.exclude(assignee_id=reader),
        Claim.objects.filter(expires_at__gt=Now()).exclude(user_id=reader),
    ]


def _authored(reader: int) -> ProposalQuerySet:
    """The reader's own, where somebody else has to stand behind them too."""
    asked = "store__review_settings__four_eyes"
    suspect = ~Q(risk=[]) | Q(operation=Proposal.Operation.DELETE)
    escalated = Exists(Escalation.objects.filter(proposal=OuterRef("pk")))
    needs_two = Q(**{asked: FourEyes.ALWAYS}) | Q(suspect, **{asked: FourEyes.FLAGGED}) | escalated
    return Proposal.objects.open().filter(needs_two, proposer_kind="user", proposer_id=str(reader))


def needing(found: ProposalQuerySet, reader: int) -> ProposalQuerySet:
    """Of these open proposals, those that wait for this reviewer."""
    found = found.exclude(pk__in=_authored(reader).values("pk"))
    return found.filter(*(~Exists(rows.filter(proposal_id=OuterRef("pk"))) for rows in _blocks(reader)))


def waiting(found: ProposalQuerySet, reader: int) -> ProposalQuerySet:
    """Of these open proposals, the others."""
    is_open = Q(proposal__status=Proposal.Status.OPEN)
    blocked = (rows.filter(is_open).order_by().values_list("proposal_id", flat=True) for rows in _blocks(reader))
    # Asked for by themselves: what blocks is far less than what is open, and this begins there.
    return found.filter(pk__in=list(_authored(reader).order_by().values_list("pk", flat=True).union(*blocked)))


def reasons(rows: Sequence[Proposal], reader: int) -> dict[int, list[str]]:
    """Proposal id → why it does not need this reviewer now, in words; in a fixed number of queries."""
    said: dict[int, list[str]] = {row.pk: [] for row in rows}
    held, changes, voted, snoozed, assigned, claimed = (
        query.filter(proposal_id__in=said).order_by() for query in _blocks(reader)
    )
    for pk, due_at in held.values_list("proposal_id", "due_at"):
        said[pk].append(f"decided; takes effect at {due_at:%H:%M:%S} UTC")
    for pk, name in changes.values_list("proposal_id", "by_name"):
        said[pk].append(f"changes asked by {name}")
    for pk in voted.values_list("proposal_id", flat=True):
        said[pk].append("your approval waits for a second")
    for pk in _authored(reader).filter(pk__in=said).values_list("pk", flat=True):
        said[pk].append("you wrote it: somebody else approves it")
    for pk, name in assigned.values_list("proposal_id", "assignee_name"):
        said[pk].append(f"assigned to {name}")
    for pk, name in claimed.values_list("proposal_id", "user_name"):
        said[pk].append(f"{name} reads it now")
    for pk, until in snoozed.values_list("proposal_id", "until"):
        said[pk].append(f"snoozed until {until:%d %b %H:%M} UTC".replace("until 0", "until "))
    return said
