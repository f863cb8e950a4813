"""A stale proposal, put to the reviewer again on what is live now. It is a new proposal, and needs a new decision."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.roles import REVIEWER, has_role
from memory.models import Memory, Proposal
from memory.services import Draft, Refused, submit_proposal, usable_quotes
from reviews.ballots import NotAllowed
from reviews.merging import Merge, merge
from reviews.replacing import kept_flags
from reviews.seeds import inherit

GONE = "What it would change was deleted, so there is nothing left to do. Reject it to keep its claim away."
ERASED = "The text that it was made against is erased, so nobody can say what it changes. Word it anew, or reject it."
SAID = "What is live says it already, so there is nothing left to do. Reject it to keep its claim away."


class MergeConflict(Refused):
    """What the proposal and what somebody else changed meet; `merged` shows both, a person words it."""

    def __init__(self, merged: Merge) -> None:
        super().__init__("Say how the lines should read that both changed, each in its own way.")
        self.merged = merged


@transaction.atomic
def rebase(*, proposal_id: int, by: User, wording: str | None = None) -> Proposal:
    """File the stale proposal's change against the live version, with the same evidence.

    What it added is added to what is live now; other changes are merged by lines. `wording` is the text that `by`
    wrote instead. Raises `NotAllowed` for others than reviewers, `MergeConflict`, `Refused` and `InvalidMemory`.
    """
    if not has_role(User.objects.get(pk=by.pk), REVIEWER):
        raise NotAllowed("Only a reviewer rebases.")
    stale = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store").get(pk=proposal_id)
    if stale.status != Proposal.Status.STALE:
        raise Refused(f"{stale.public_id} is not stale.")
    actor = Actor.user(by)
    words = "" if wording is None else f" {actor.name} worded it anew."
    why = f"Rebased from {stale.public_id}, which went stale: {stale.status_reason}{words}"
    rebased = submit_proposal(
        store=stale.store,
        draft=on_live(stale, why=why, wording=wording),
        source=stale.source,
        source_ref=stale.source_ref,
        proposer=actor,
    )
    inherit(old=stale, new=rebased)
    return rebased


def on_live(old: Proposal, *, why: str, wording: str | None = None, flags: Sequence[str] = ()) -> Draft:
    """The change of a proposal that is closed, with its evidence, made of what is live now."""
    live = _live(old)
    operation, content = _change(old, live, wording)
    return Draft(
        operation=operation,
        path=live.path if live else old.new_path or old.path,
        new_path=old.new_path if operation == Proposal.Operation.RENAME else "",
        content=content,
        base_version=live.head if live else None,
        kind=old.kind,
        title=old.title,
        rationale=f"{old.rationale}\n\n{why}".strip(),
        claim_key=old.claim_key,
        evidence=usable_quotes(old),
        support=old.support,
        benefit=old.benefit,
        flags=[*kept_flags(old), *flags],
    )


def _live(old: Proposal) -> Memory | None:
    """The live memory that the change is about now: the one it was about, else the one at its path."""
    live = Memory.objects.filter(store_id=old.store_id, head__isnull=False).select_related("head")
    same = live.filter(pk=old.base_version.memory_id).first() if old.base_version else None
    return same or live.filter(path=old.path).first()


def _change(old: Proposal, live: Memory | None, wording: str | None) -> tuple[str, str]:
    """The operation and text that say the same on what is live."""
    operations = Proposal.Operation
    if live is None:
        if old.operation in (operations.DELETE, operations.RENAME):
            raise Refused(GONE)
        return operations.CREATE, old.content if wording is None else wording
    if old.operation == operations.DELETE:
        return operations.DELETE, ""
    if wording is None and old.content and old.base_version and old.base_version.is_erased:
        raise Refused(ERASED)
    base = old.base_version.content if old.base_version else ""
    content = _merged(base, old.content or base, live.head.content) if wording is None else wording
    if old.operation == operations.RENAME:
        return operations.RENAME, content
    if content == live.head.content:
        raise Refused(SAID)
    return operations.UPDATE, content


def _merged(base: str, proposed: str, live: str) -> str:
    stem = base.rstrip()
    addition = proposed[len(stem) :]
    if proposed.startswith(stem) and addition.strip() and (not stem or addition.startswith("\n")):
        return f"{live.rstrip()}\n\n{addition.lstrip()}"
    merged = merge(base, proposed, live)
    if merged.conflicts:
        raise MergeConflict(merged)
    return merged.text
