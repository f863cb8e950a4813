"""Why a decision was not taken: what changed since the page was opened, by whom and when."""

from dataclasses import dataclass

from memory.models import Memory, MemoryVersion, Proposal
from reviews.ballots import DecisionRefused, DigestMismatch, NotAllowed, Stale, Stopped
from reviews.models import Decision, HeldBallot
from reviews.presenters import Change, change_between, moved_base, proposed_text, published_change


@dataclass(frozen=True, slots=True)
class WhatChanged:
    """What a refusal page says; what does not apply is None."""

    heading: str
    moved: Change | None = None
    mover: Decision | None = None
    newer: Proposal | None = None
    reworded: Change | None = None
    published: Change | None = None


def what_changed(proposal: Proposal, refusal: DecisionRefused, reader_id: int) -> WhatChanged:
    if isinstance(refusal, NotAllowed):
        return WhatChanged("You may not decide this")
    if isinstance(refusal, Stopped):
        return WhatChanged("Publishing is stopped")
    if isinstance(refusal, Stale):
        return WhatChanged(
            "Memory changed under this proposal", moved=moved_base(proposal), mover=_last_decision(proposal)
        )
    if isinstance(refusal, DigestMismatch):
        return WhatChanged("It is not what you read any more")
    if proposal.status == Proposal.Status.REPLACED:
        newer = _newer(proposal)
        return WhatChanged("A colleague reworded it", newer=newer, reworded=_reworded(proposal, newer))
    if proposal.status == Proposal.Status.EXPIRED:
        return WhatChanged("It is closed")
    held = HeldBallot.objects.filter(proposal=proposal, state=HeldBallot.State.HELD, user_id=reader_id)
    own = held.exists() or (hasattr(proposal, "decision") and proposal.decision.decider_id == reader_id)
    return WhatChanged(
        "You decided this already" if own else "Somebody was faster", published=published_change(proposal)
    )


def _last_decision(proposal: Proposal) -> Decision | None:
    """The decision that made what is live where the proposal would go, or that took it away."""
    if proposal.base_version:
        versions = MemoryVersion.objects.filter(memory=proposal.base_version.memory_id)
    else:
        live = Memory.objects.live(proposal.store_id).filter(path=proposal.path)
        versions = MemoryVersion.objects.filter(head_of__in=live)
    newest = versions.select_related("decision__proposal").first()
    return newest.decision if newest else None


def _newer(proposal: Proposal) -> Proposal | None:
    same_claim = Proposal.objects.filter(store=proposal.store_id, claim_key=proposal.claim_key, pk__gt=proposal.pk)
    return same_claim.order_by("pk").first()


def _reworded(proposal: Proposal, newer: Proposal | None) -> Change | None:
    if newer is None:
        return None
    paths = (proposal.new_path or proposal.path, newer.new_path or newer.path)
    return change_between(paths[0], proposed_text(proposal), paths[1], proposed_text(newer))
