"""Several low-risk proposals at once: picked one by one, read in full, signed for as one manifest, decided each on its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.acts import one_act
from audit.canonical import digest_of
from audit.roles import REVIEWER, has_role
from audit.services import record
from memory.models import Evidence, MemoryStore, Proposal
from reviews.ballots import Ballot, DecisionRefused, NotSigned
from reviews.holding import cast
from reviews.models import ChangeRequest, Decision, Escalation, HeldBallot, ReviewSettings, SeedAnswer
from reviews.outcomes import told
from reviews.services import Decided
from reviews.signing import SigningRequest, Verified, verify


class BadBulk(ValueError):
    """Nothing was decided; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """A proposal as it was shown."""

    proposal: int
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: `approved`, `held`, `answered` (a test item), `first of two`, or `refused`, and why."""

    proposal: Proposal
    result: str
    said: str


def manifest_of(items: Iterable[Item]) -> str:
    """Hexadecimal SHA-256 of the canonical JSON of all items, in order of their ids."""
    ordered = sorted(items, key=lambda item: item.proposal)
    return digest_of([{"proposal": item.proposal, "digest": item.digest} for item in ordered])


def mark_pickable(proposals: Sequence[Proposal]) -> bool:
    """Set `pickable` on each that may be approved among others; whether there is any."""
    settings = _settings(proposals)
    candidates = [one for one in proposals if one.store_id in settings and settings[one.store_id].bulk_allowed]
    refused = refusals(candidates)
    for proposal in candidates:
        proposal.pickable = proposal.pk not in refused
    return len(refused) < len(candidates)


def refusals(proposals: Sequence[Proposal]) -> dict[int, str]:
    """Why each of them may not be approved among others, by id; those that may are not in it."""
    settings = _settings(proposals)
    against = _ids(Evidence.objects.filter(stance=Evidence.Stance.CONTRADICTS), proposals)
    escalated = _ids(Escalation.objects.all(), proposals)
    held = _ids(HeldBallot.objects.filter(state=HeldBallot.State.HELD), proposals)
    asked = _ids(ChangeRequest.objects.filter(answer=None, withdrawn_at=None), proposals)
    found = {}
    for one in proposals:
        chosen = settings.get(one.store_id) or ReviewSettings()
        reasons = [
            (not one.is_open, f"It is {one.get_status_display()}."),
            (not chosen.bulk_allowed, "Its store does not allow several at once."),
            (bool(one.risk), "It is flagged."),
            (one.operation != Proposal.Operation.CREATE, "Only new memories are approved among others."),
            (one.pk in against, "Something speaks against it."),
            (chosen.four_eyes == ReviewSettings.FourEyes.ALWAYS, "Two people are asked for in its store."),
            (one.pk in escalated, "Somebody escalated it."),
            (one.pk in asked, "Somebody asked for changes."),
            (one.pk in held, "Somebody decided it; that can still be taken back."),
        ]
        if reason := next((text for holds, text in reasons if holds), ""):
            found[one.pk] = reason
    return found


def check_picked(proposals: Sequence[Proposal]) -> None:
    """Raises `BadBulk` for a choice that cannot be one act: nothing, several stores, or more than the store's cap."""
    if not proposals:
        raise BadBulk("Nothing is picked. Tick the proposals that you want to read together.")
    if len({one.store_id for one in proposals}) > 1:
        raise BadBulk("These are of several stores. Pick from one store at a time.")
    cap = ReviewSettings.of(proposals[0].store).bulk_cap
    if len(proposals) > cap:
        raise BadBulk(f"{len(proposals)} are picked; {proposals[0].store.name} allows {cap} at once.")


def approve_picked(
    *, items: Sequence[Item], manifest: str, reason: str, by: User, signing: SigningRequest | None = None
) -> list[Outcome]:
    """Approve each item as it was shown, through the door that every decision passes, in a transaction of its own.

    What changed since is refused on its own. One audit entry holds the manifest and what became of each. Where the store
    asks for signatures, one signing request over the manifest signs each of them. Raises `BadBulk`.
    """
    if not has_role(User.objects.get(pk=by.pk), REVIEWER):
        raise BadBulk("Only a reviewer decides.")
    if not reason.strip():
        raise BadBulk("Say why these may go live.")
    if len({item.proposal for item in items}) < len(items) or manifest != manifest_of(items):
        raise BadBulk("What was sent is not the list that was shown. Pick again.")
    rows = Proposal.objects.select_related("store").in_bulk([item.proposal for item in items])
    check_picked(list(rows.values()))
    signed = _signed(rows, manifest, by, signing or SigningRequest())
    with one_act():
        outcomes = [_approve(rows[item.proposal], item, reason, by, signed) for item in items if item.proposal in rows]
        _record(outcomes, manifest, reason, by)
    return outcomes


def over_manifest(manifest: str) -> str:
    """What the signing request of all of them is bound to."""
    return f"manifest:{manifest}"


def _signed(rows: dict[int, Proposal], manifest: str, by: User, signing: SigningRequest) -> Verified | None:
    store = next(iter(rows.values())).store
    chosen = ReviewSettings.of(store)
    if not chosen.signatures or len(refusals(list(rows.values()))) == len(rows):
        return None
    what, minutes = over_manifest(manifest), chosen.signing_break_minutes
    try:
        return verify(signer=by, request=signing, what=what, minutes=minutes, store=store.name)
    except NotSigned as refusal:
        raise BadBulk(str(refusal)) from refusal


def _approve(proposal: Proposal, item: Item, reason: str, by: User, signed: Verified | None) -> Outcome:
    if refusal := refusals([proposal]).get(proposal.pk):
        return Outcome(proposal, "refused", refusal)
    ballot = Ballot(Decision.Verdict.APPROVE, item.digest, reason)
    try:
        decided = cast(proposal_id=item.proposal, decider=by, ballot=ballot, signed=signed)
    except DecisionRefused as refusal:
        return Outcome(proposal, "refused", str(refusal))
    return Outcome(proposal, _result(decided), told(decided))


def _result(decided: Decided | HeldBallot) -> str:
    results = {Decision: "approved", HeldBallot: "held", SeedAnswer: "answered"}
    return results.get(type(decided), "first of two")


@transaction.atomic
def _record(outcomes: Sequence[Outcome], manifest: str, reason: str, by: User) -> None:
    store: MemoryStore = outcomes[0].proposal.store
    became: dict[str, list[int]] = {}
    for outcome in outcomes:
        became.setdefault(outcome.result, []).append(outcome.proposal.pk)
    record(
        action="review.bulk_approved",
        actor=Actor.user(by),
        subject=f"store:{store.pk}",
        store=store.name,
        data={"outcomes": became},
        words={"manifest": manifest, "reason": reason.strip()},
    )


def _settings(proposals: Sequence[Proposal]) -> dict[int, ReviewSettings]:
    found = ReviewSettings.objects.filter(store__in={one.store_id for one in proposals})
    return {settings.store_id: settings for settings in found}


def _ids(rows, proposals: Sequence[Proposal]) -> set[int]:
    if not proposals:
        return set()
    return set(rows.filter(proposal__in=[one.pk for one in proposals]).values_list("proposal_id", flat=True))
