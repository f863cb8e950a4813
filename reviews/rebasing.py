"""A stale proposal, put to the reviewer again on what is live now. It is a new proposal, and needs a new decision."""

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.roles import REVIEWER, has_role
from memory.models import Memory, Proposal
from memory.services import Draft, QuoteDraft, Refused, submit_proposal
from reviews.ballots import NotAllowed
from reviews.seeds import inherit

GONE = "What it would change was deleted, so there is nothing left to do. Reject it to keep its claim away."


@transaction.atomic
def rebase(*, proposal_id: int, by: User) -> Proposal:
    """File the stale proposal's change against the live version, with the same evidence.

    A text that only added to its base adds the same to what is live now; any other text is proposed as it was, and
    the page shows what that would change. Raises `NotAllowed` for others than reviewers, and `Refused`.
    """
    if not has_role(User.objects.get(pk=by.pk), REVIEWER):
        raise NotAllowed("Only a reviewer rebases.")
    stale = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store").get(pk=proposal_id)
    if stale.status != Proposal.Status.STALE:
        raise Refused(f"{stale.public_id} is not stale.")
    evidence = stale.evidence.values_list("session_id", "seq", "quote", "stance")
    rebased = submit_proposal(
        store=stale.store,
        draft=_draft(stale, [QuoteDraft(*row) for row in evidence]),
        source=stale.source,
        source_ref=stale.source_ref,
        proposer=Actor.user(by),
    )
    inherit(old=stale, new=rebased)
    return rebased


def _draft(stale: Proposal, evidence: list[QuoteDraft]) -> Draft:
    live = _live(stale)
    operation, content = _change(stale, live)
    return Draft(
        operation=operation,
        path=live.path if live else stale.new_path or stale.path,
        new_path=stale.new_path if operation == Proposal.Operation.RENAME else "",
        content=content,
        base_version=live.head if live else None,
        kind=stale.kind,
        title=stale.title,
        rationale=f"{stale.rationale}\n\nRebased from {stale.public_id}, which went stale: {stale.status_reason}",
        claim_key=stale.claim_key,
        evidence=evidence,
        support=stale.support,
        benefit=stale.benefit,
    )


def _live(stale: Proposal) -> Memory | None:
    """The live memory that the change is about now: the one it was about, else the one at its path."""
    live = Memory.objects.filter(store_id=stale.store_id, head__isnull=False).select_related("head")
    same = live.filter(pk=stale.base_version.memory_id).first() if stale.base_version else None
    return same or live.filter(path=stale.path).first()


def _change(stale: Proposal, live: Memory | None) -> tuple[str, str]:
    """The operation and text that say the same on what is live."""
    operations = Proposal.Operation
    if stale.operation in (operations.DELETE, operations.RENAME):
        if live is None:
            raise Refused(GONE)
        return stale.operation, "" if stale.operation == operations.DELETE else live.head.content
    if live is None:
        return operations.CREATE, stale.content
    base = stale.base_version.content.rstrip() if stale.base_version else ""
    if stale.content.startswith(base):
        return operations.UPDATE, f"{live.head.content.rstrip()}\n\n{stale.content[len(base) :].lstrip()}"
    return operations.UPDATE, stale.content
