"""Evidence that was withdrawn: what rests on it goes back for review."""

import uuid
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.actors import Actor
from audit.acts import one_act
from audit.services import record
from memory.models import Evidence, Memory, Proposal
from memory.services import Draft, submit_proposal
from reviews.models import EvidenceReview, EvidenceReviewCause
from reviews.services import mark_stale
from reviews.together import NotDone, check_reviewer, checked_words
from reviews.undoing import revert

WATCH = Actor.system("evidence check")
State = EvidenceReview.State


@transaction.atomic
def send_back(*, session_ids: Sequence[int], why: str, act: uuid.UUID) -> None:
    """Open proposals that cite the sessions go stale; live memories that rest on them wait for a re-review.

    The sessions are locked. A proposal that is being decided is waited for: what it made live is seen after.
    """
    cited = Evidence.objects.filter(session__in=session_ids)
    open_ids = (
        Proposal.objects.open().filter(pk__in=cited.values("proposal")).order_by("pk").values_list("pk", flat=True)
    )
    locked = list(Proposal.objects.select_for_update(no_key=True).filter(pk__in=list(open_ids)).order_by("pk"))
    for memory in resting_on(session_ids):
        _ask(memory, session_ids, why)
    label = EvidenceReviewCause.Why(why).label
    for proposal in locked:
        names = _named(cited.filter(proposal=proposal))
        mark_stale(
            proposal_id=proposal.pk, reason=f"Evidence was withdrawn: session {names}: {label}.", by=WATCH, act=act
        )


def resting_on(session_ids: Sequence[int]) -> QuerySet[Memory]:
    """The live memories of which some version was approved with a quote from these sessions that supported it."""
    supports = Evidence.objects.filter(session__in=session_ids, stance=Evidence.Stance.SUPPORTS)
    return Memory.objects.filter(
        head__isnull=False, versions__decision__proposal__in=supports.values("proposal")
    ).distinct()


def _named(cited: QuerySet[Evidence]) -> str:
    """The sessions as the database knows them: what their producers call them may have to be erased."""
    return ", ".join(str(pk) for pk in sorted(set(cited.values_list("session_id", flat=True)))[:3])


def _ask(memory: Memory, session_ids: Sequence[int], why: str) -> None:
    EvidenceReview.objects.bulk_create([EvidenceReview(memory=memory)], ignore_conflicts=True)
    waiting = EvidenceReview.objects.select_for_update().get(memory=memory, state=State.WAITING)
    supports = Evidence.objects.filter(
        session__in=session_ids, stance=Evidence.Stance.SUPPORTS, proposal__decision__version__memory=memory
    )
    causes = [
        EvidenceReviewCause(evidence_review=waiting, session_id=session_id, why=why)
        for session_id in sorted(set(supports.values_list("session_id", flat=True)))
    ]
    EvidenceReviewCause.objects.bulk_create(causes, ignore_conflicts=True)


def waiting() -> QuerySet[EvidenceReview]:
    """Those about memories that agents still read."""
    return EvidenceReview.objects.filter(state=State.WAITING, memory__head__isnull=False)


@transaction.atomic
def say_it_stands(*, evidence_review_id: int, by: User, reason: str) -> EvidenceReview:
    """Close it: the memory is right without that evidence. Raises `NotDone`, `NotAllowed`."""
    row = _locked(evidence_review_id, by)
    return _close(row, State.STANDS, by, checked_words(reason, "Say why it still stands."))


@transaction.atomic
@one_act()
def propose_change(*, evidence_review_id: int, by: User, reason: str, change: str) -> EvidenceReview:
    """Close it with a proposal to delete the memory, or to take back its last change (`delete`, `revert`).

    Raises `NotDone`, `NotAllowed`, `Refused` or `InvalidMemory`.
    """
    row = _locked(evidence_review_id, by)
    reason = checked_words(reason, "Say why it should not stay.")
    if change == "revert":
        row.proposal = revert(decision_id=row.memory.head.decision.pk, by=by, why=reason)
    elif change == "delete":
        row.proposal = _propose_delete(row.memory, by, reason)
    else:
        raise NotDone("Choose what to propose.")
    return _close(row, State.CHANGED, by, reason)


def _propose_delete(memory: Memory, by: User, reason: str) -> Proposal:
    head = memory.head
    draft = Draft(
        operation=Proposal.Operation.DELETE,
        path=head.path,
        content="",
        base_version=head,
        kind=Proposal.Kind.WRITTEN,
        title=f"Delete {head.path}",
        rationale=f"Its evidence was withdrawn. {reason}",
        claim_key=f"withdrawn:{head.pk}",
    )
    return submit_proposal(
        store=memory.store, draft=draft, source=Proposal.Source.PERSON, proposer=Actor.user(by), source_ref=""
    )


def _locked(evidence_review_id: int, by: User) -> EvidenceReview:
    check_reviewer(by)
    rows = EvidenceReview.objects.select_for_update(of=("self",)).select_related(
        "memory__store", "memory__head__decision"
    )
    row = rows.get(pk=evidence_review_id)
    if row.state != State.WAITING:
        raise NotDone(f"{row.by_name} closed it already: {row.get_state_display()}.")
    if row.memory.head is None:
        raise NotDone("The memory was deleted since: agents read it no more.")
    return row


def _close(row: EvidenceReview, state: str, by: User, reason: str) -> EvidenceReview:
    row.state, row.by, row.by_name, row.reason, row.closed_at = state, by, Actor.user(by).name, reason, Now()
    row.save()
    record(
        action="evidence_review.closed",
        actor=Actor.user(by),
        subject=f"memory:{row.memory_id}",
        store=row.memory.store.name,
        data={
            "evidence_review": row.pk,
            "answer": str(state),
            "proposal": row.proposal_id,
            "sessions": sorted(row.causes.values_list("session_id", flat=True)),
        },
        words={"reason": reason},
    )
    return row
