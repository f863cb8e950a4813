"""A newer wording of an open proposal: a proposal of its own, with the same evidence, by the person who wrote it."""

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import Proposal
from memory.scanning import MODEL_JUDGED, REJECTED_BEFORE, UNSUPPORTED
from memory.services import Draft, QuoteDraft, submit_proposal
from reviews.models import Signature
from reviews.seeds import inherit
from reviews.signatures import on_record, signed_words


def replace_wording(
    *,
    proposal: Proposal,
    content: str,
    path: str,
    by: User,
    why: str,
    signature: Signature | None = None,
) -> Proposal:
    """Close the open proposal, which the caller has locked, and file its change anew in `by`'s words.

    Raises `Refused` or `InvalidMemory`; roll back then.
    """
    assert connection.in_atomic_block
    actor = Actor.user(by)
    proposal.status = Proposal.Status.REPLACED
    proposal.status_reason = why
    proposal.decided_at = Now()
    proposal.save(update_fields=["status", "status_reason", "decided_at"])
    evidence = proposal.evidence.values_list("session_id", "seq", "quote", "stance")
    renames = proposal.operation == Proposal.Operation.RENAME
    draft = Draft(
        operation=proposal.operation,
        path=proposal.path if proposal.base_version else path,
        new_path=path if renames else "",
        content=content,
        base_version=proposal.base_version,
        kind=proposal.kind,
        title=proposal.title,
        rationale=f"{proposal.rationale}\n\nReworded from {proposal.public_id}. {why}".strip(),
        claim_key=proposal.claim_key,
        evidence=[QuoteDraft(*row) for row in evidence],
        support=proposal.support,
        benefit=proposal.benefit,
        flags=kept_flags(proposal),
    )
    newer = submit_proposal(
        store=proposal.store,
        draft=draft,
        source=proposal.source,
        source_ref=proposal.source_ref,
        proposer=actor,
    )
    inherit(old=proposal, new=newer)
    record(
        action="proposal.replaced",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"by": newer.pk, **on_record(signature)},
        words=signed_words(signature),
    )
    return newer


def kept_flags(proposal: Proposal) -> list[str]:
    """The warnings of whoever proposed it, which no scan of the text would find again."""
    return [flag for flag in (UNSUPPORTED, MODEL_JUDGED, REJECTED_BEFORE) if flag in proposal.risk]
