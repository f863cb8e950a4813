"""What others made of an open proposal stays covered from who may still decide it: two readers, two judgements."""

from django.contrib.auth.models import User
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, When
from django.db.models.functions import Cast, Substr

from audit.models import Entry
from audit.roles import REVIEWER, has_role
from memory.models import Proposal
from reviews.models import Vote

COVERED = ("review.voted", "decision.held", "decision.undone")
UNDECIDED = (Proposal.Status.OPEN, Proposal.Status.STALE)


def uncovered(entries: QuerySet[Entry], user: User) -> QuerySet[Entry]:
    """Without what other people made of proposals on which this reviewer has not voted and which are not closed yet."""
    if not has_role(user, REVIEWER):
        return entries
    about = Case(When(action__in=COVERED, then=Cast(Substr("subject", len("proposal:") + 1), BigIntegerField())))
    still_to_judge = (
        Proposal.objects.filter(pk=OuterRef("about_proposal"), status__in=UNDECIDED)
        .exclude(votes__reader_id=user.pk)
        .order_by()
    )
    own = Q(actor_kind="user", actor_id=str(user.pk))
    return entries.alias(about_proposal=about).filter(~Q(action__in=COVERED) | own | ~Exists(still_to_judge))


def visible_votes(proposal: Proposal, reader: User) -> list[Vote]:
    """The first approvals that this reader may know of: all of a closed proposal, else those that they gave themselves."""
    votes = list(proposal.votes.select_related("signature"))
    has_voted = any(vote.reader_id == reader.pk for vote in votes)
    if has_role(reader, REVIEWER) and proposal.status in UNDECIDED and not has_voted:
        return []
    return votes
