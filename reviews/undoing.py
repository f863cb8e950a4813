"""Undo after the fact: the reverse change, or the same claim once more, as a new proposal by a person who says why.

History is never edited: what was decided stays decided, and the new proposal needs a decision of its own.
"""

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from memory.models import MemoryVersion, Proposal
from memory.scanning import REJECTED_BEFORE
from memory.services import Draft, Refused, submit_proposal
from reviews.merging import merge
from reviews.models import Decision
from reviews.rebasing import on_live
from reviews.seeds import inherit
from reviews.together import check_reviewer, checked_words


@transaction.atomic
def revert(*, decision_id: int, by: User, why: str) -> Proposal:
    """File the reverse of what the decision published. Raises `NotDone`, `NotAllowed`, `Refused` or `InvalidMemory`."""
    check_reviewer(by)
    why = checked_words(why, "Say why it should not stay.")
    decision = Decision.objects.select_related("proposal__store", "version__memory__head").get(pk=decision_id)
    if decision.version is None:
        raise Refused("It was rejected, so nothing went live. It can be reopened.")
    proposal = decision.proposal
    return submit_proposal(
        store=proposal.store,
        draft=_reverse(proposal, decision.version, f"Reverts {proposal.public_id}. {why}", f"revert:{decision.pk}"),
        source=Proposal.Source.PERSON,
        source_ref=f"revert:{decision.pk}",
        proposer=Actor.user(by),
    )


def _reverse(proposal: Proposal, version: MemoryVersion, why: str, claim_key: str) -> Draft:
    operations = MemoryVersion.Operation
    before = version.memory.versions.filter(revision__lt=version.revision).first()
    head = version.memory.head
    if version.operation != operations.DELETED and head is None:
        raise Refused(f"{version.path} is deleted already.")
    if version.operation == operations.CREATED and head != version:
        raise Refused(f"{version.path} changed since, in r{head.revision}. Revert that first.")
    if before is not None and before.is_erased:
        raise Refused(f"What {version.path} said before was erased, so it cannot come back.")
    title = f"Take back: {proposal.title}"
    fields = {"kind": Proposal.Kind.WRITTEN, "title": title, "rationale": why, "claim_key": claim_key}
    if version.operation == operations.CREATED:
        return Draft(operation="delete", path=head.path, content="", base_version=head, **fields)
    if version.operation == operations.DELETED:
        return Draft(operation="create", path=before.path, content=before.content, **fields)
    merged = merge(version.content, before.content, head.content)
    if merged.conflicts:
        raise Refused(f"The same lines changed again since, in r{head.revision}. Revert that first.")
    if (merged.text, before.path) == (head.content, head.path):
        raise Refused(f"Nothing of it is left in r{head.revision}.")
    renames = before.path != version.path and head.path == version.path
    return Draft(
        operation="rename" if renames else "update",
        path=head.path,
        new_path=before.path if renames else "",
        content=merged.text,
        base_version=head,
        **fields,
    )


@transaction.atomic
def reopen(*, proposal_id: int, by: User, why: str) -> Proposal:
    """File a rejected claim once more, flagged, with the same evidence, on what is live now.

    Raises `NotDone`, `NotAllowed`, `Refused` or `InvalidMemory`.
    """
    check_reviewer(by)
    why = checked_words(why, "Say why it should be looked at again.")
    rejected = Proposal.objects.select_related("store", "decision").get(pk=proposal_id)
    if rejected.is_erased:
        raise Refused(f"What {rejected.public_id} said was erased.")
    if rejected.status != Proposal.Status.REJECTED:
        raise Refused(f"{rejected.public_id} is not rejected.")
    decision = rejected.decision
    why = f"Brought back from {rejected.public_id}, which {decision.decider_name} rejected: {decision.reason}\n\n{why}"
    again = submit_proposal(
        store=rejected.store,
        draft=on_live(rejected, why=why, flags=[REJECTED_BEFORE]),
        source=rejected.source,
        source_ref=rejected.source_ref,
        proposer=Actor.user(by),
    )
    inherit(old=rejected, new=again)
    return again
