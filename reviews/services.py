"""`decide()`: the only door through which anything reaches an agent."""

import uuid
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.acts import one_act
from audit.canonical import sha256_hex
from audit.roles import REVIEWER, has_role
from audit.services import record
from memory.models import Memory, MemoryVersion, Proposal
from memory.paths import InvalidMemory, check_content, check_path
from memory.publishing import BaseMoved, StoreStopped, check_base, check_not_stopped, lock_store, publish
from memory.scanning import SECRET, scan
from memory.services import current_digest, quotes_stand
from reviews.ballots import (
    AlreadyDecided,
    BadDecision,
    Ballot,
    DigestMismatch,
    Edit,
    NotAllowed,
    Stale,
    Stopped,
)
from reviews.four_eyes import first_of_two, needs_two
from reviews.models import ChangeRequest, Decision, HeldBallot, SeedAnswer, Signature, Vote
from reviews.policies import AutoPolicy
from reviews.sampling import draw_second_look
from reviews.seeds import answer_seed
from reviews.signatures import on_record, sign, signed_words
from reviews.signing import Verified
from reviews.waiving import goes_alone, waive

BASE_CHECK = Actor.system("base check")


@dataclass(frozen=True, slots=True)
class Published:
    """The path and text that go live, and the flags of the text."""

    path: str
    content: str
    risk: list[str] = field(default_factory=list)


# What a ballot leads to: a decision; where two people are asked, a first vote, or the edit as a proposal of its own that
# somebody else decides; an answer to a test item.
Decided = Decision | Vote | Proposal | SeedAnswer


def decide(
    *,
    proposal_id: int,
    decider: User | AutoPolicy,
    ballot: Ballot,
    held: int | None = None,
    act: uuid.UUID | None = None,
    signed: Verified | Signature | None = None,
) -> Decided:
    """Decide a proposal, publish what was approved, and record both, in one transaction.

    `held` is the id of the held-back ballot that takes effect with this; `act` the act that it is, if not the one
    around it; `signed` what it is signed with: credentials that were verified, or the signature of a held-back ballot.
    Raises a `DecisionRefused`; then nothing was decided. `Proposal.DoesNotExist` for an unknown id. On a moved base the
    proposal is marked stale, in a transaction of its own, before `Stale` is raised.
    """
    try:
        with transaction.atomic(), one_act(act) as act:
            return _decide(proposal_id, decider, ballot, held, act, signed)
    except BaseMoved as moved:
        mark_stale(proposal_id=proposal_id, reason=str(moved))
        raise Stale(str(moved)) from moved
    except StoreStopped as stopped:
        raise Stopped(str(stopped)) from stopped


def _decide(
    proposal_id: int,
    decider: User | AutoPolicy,
    ballot: Ballot,
    held: int | None,
    act: uuid.UUID,
    signed: Verified | Signature | None,
) -> Decided:
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    _check_open(proposal, ballot)
    _check_not_held(proposal, held)
    _check_seen(proposal, ballot)
    store = lock_store(proposal)
    _check_decider(proposal, decider)
    if ballot.verdict == Decision.Verdict.REJECT:
        if not ballot.reason.strip():
            raise BadDecision("Say why: a rejection keeps the claim from coming back, and the next reviewer will ask.")
        signature = sign(proposal=proposal, decider=decider, ballot=ballot, signed=signed)
        return answer_seed(proposal, decider, ballot, signature) or _conclude(proposal, decider, ballot, act, signature)
    _check_no_changes_asked(proposal)
    published = _published(proposal, ballot)
    _check_edited_path(proposal, published)
    check_not_stopped(store)
    memory = check_base(proposal, path=published.path)
    asks_two = isinstance(decider, User) and needs_two(proposal, published.risk)
    alone = goes_alone(proposal, decider, ballot, asks_two=asks_two)
    signature = sign(
        proposal=proposal,
        decider=decider,
        ballot=ballot,
        signed=signed,
        alone=alone,
        path=published.path,
        content_sha256=sha256_hex(published.content),
    )
    if answer := answer_seed(proposal, decider, ballot, signature):
        return answer
    if asks_two and not alone and (first := first_of_two(proposal, decider, ballot, signature)):
        return first
    version = publish(proposal=proposal, store=store, memory=memory, path=published.path, content=published.content)
    decision = _conclude(proposal, decider, ballot, act, signature, published, version)
    if alone:
        waive(decision, ballot.waiver)
    return decision


def _conclude(
    proposal: Proposal,
    decider: User | AutoPolicy,
    ballot: Ballot,
    act: uuid.UUID,
    signature: Signature | None,
    published: Published | None = None,
    version: MemoryVersion | None = None,
) -> Decision:
    """Close the proposal, keep the decision, and record it with what it published."""
    actor = _actor(decider)
    _close(proposal, ballot)
    decision = Decision.objects.create(
        proposal=proposal,
        verdict=ballot.verdict,
        decider_kind=actor.kind,
        decider=decider if isinstance(decider, User) else None,
        decider_name=actor.name,
        reason=ballot.reason.strip(),
        digest=ballot.digest,
        path=published.path if published else "",
        content_sha256=version.sha256 if version else "",
        risk=published.risk if published else proposal.risk,
        version=version,
        signature=signature,
        act=act,
    )
    if isinstance(decider, AutoPolicy):
        draw_second_look(decision)
    if version:
        _set_others_stale(proposal, version.memory_id, version.path, act, actor)
    _record(proposal, decision, actor)
    return decision


def _check_open(proposal: Proposal, ballot: Ballot) -> None:
    """A stale proposal can still be rejected, so that its claim stays away."""
    is_stale = proposal.status == Proposal.Status.STALE
    if proposal.is_open or (is_stale and ballot.verdict == Decision.Verdict.REJECT):
        return
    if is_stale:
        raise Stale(proposal.status_reason)
    if proposal.status in (Proposal.Status.EXPIRED, Proposal.Status.REPLACED):
        raise AlreadyDecided(f"It is {proposal.get_status_display()}. {proposal.status_reason}")
    decision = proposal.decision
    raise AlreadyDecided(
        f"{decision.decider_name} {decision.get_verdict_display()} it on {decision.created_at:%d %b %Y at %H:%M} UTC."
    )


def _check_not_held(proposal: Proposal, held: int | None) -> None:
    waiting = HeldBallot.objects.filter(proposal=proposal, state=HeldBallot.State.HELD).exclude(pk=held).first()
    if waiting:
        who = "Somebody" if needs_two(proposal) else waiting.user_name
        raise AlreadyDecided(
            f"{who} decided it; that takes effect at {waiting.due_at:%H:%M:%S} UTC unless it is taken back."
        )


def _check_no_changes_asked(proposal: Proposal) -> None:
    if asked := ChangeRequest.objects.waiting().filter(proposal=proposal).first():
        raise BadDecision(
            f"{asked.by_name} asks for changes. Reword it, or withdraw the request, before it is approved."
        )


def _check_seen(proposal: Proposal, ballot: Ballot) -> None:
    if ballot.verdict not in Decision.Verdict.values:
        raise BadDecision(f"{ballot.verdict!r} is not a verdict; use {', '.join(Decision.Verdict.values)}.")
    current = current_digest(proposal)
    if ballot.digest != current or (current != proposal.digest and not _lost_quotes(proposal, ballot)):
        raise DigestMismatch("What you saw is not what stands there now. Read it again before you decide.")
    if ballot.verdict != Decision.Verdict.REJECT and not quotes_stand(proposal):
        raise DigestMismatch("A quote no longer stands in the event that it cites. Look at the evidence again.")


def _lost_quotes(proposal: Proposal, ballot: Ballot) -> bool:
    """What lost a quote to an erasure can be rejected, and nothing else."""
    return ballot.verdict == Decision.Verdict.REJECT and any(quote.is_erased for quote in proposal.evidence.all())


def _check_decider(proposal: Proposal, decider: User | AutoPolicy) -> None:
    if isinstance(decider, AutoPolicy):
        if refusal := decider.refusal(proposal):
            raise NotAllowed(refusal)
    elif not has_role(User.objects.get(pk=decider.pk), REVIEWER):
        raise NotAllowed("Only a reviewer decides.")


def _actor(decider: User | AutoPolicy) -> Actor:
    return Actor.policy(decider.name) if isinstance(decider, AutoPolicy) else Actor.user(decider)


def _published(proposal: Proposal, ballot: Ballot) -> Published:
    proposed = Published(proposal.new_path or proposal.path, _proposed_content(proposal), proposal.risk)
    if ballot.verdict == Decision.Verdict.APPROVE:
        if ballot.edit is not None:
            raise BadDecision("An approval takes the text as proposed; to change it, approve with edits.")
        return proposed
    if ballot.edit is None or proposal.operation == Proposal.Operation.DELETE:
        raise BadDecision("There is no edited text to approve.")
    edited = _checked_edit(ballot.edit, proposed)
    if (edited.content, edited.path) == (proposed.content, proposed.path):
        raise BadDecision("Nothing was edited; approve it as it is.")
    return edited


def _check_edited_path(proposal: Proposal, published: Published) -> None:
    """A path that the reviewer chose is theirs to mend; nothing moved under the proposal."""
    if published.path in (proposal.path, proposal.new_path):
        return
    if Memory.objects.filter(store_id=proposal.store_id, path=published.path, head__isnull=False).exists():
        raise BadDecision(f"There is a memory at {published.path} already. Choose another path.")


def _proposed_content(proposal: Proposal) -> str:
    """A delete publishes no text; a rename without text keeps that of its base."""
    if proposal.operation == Proposal.Operation.DELETE:
        return ""
    return proposal.content or (proposal.base_version.content if proposal.base_version else "")


def _checked_edit(edit: Edit, proposed: Published) -> Published:
    content = edit.content.replace("\r\n", "\n")
    try:
        check_path(edit.path)
        check_content(content)
    except InvalidMemory as error:
        raise BadDecision(str(error)) from error
    flags = scan(edit.path, content)
    if SECRET in flags and SECRET not in proposed.risk:
        raise BadDecision("Your edit holds something that looks like a key, password or card number. Take it out.")
    return Published(edit.path, content, flags)


def _close(proposal: Proposal, ballot: Ballot) -> None:
    rejected = ballot.verdict == Decision.Verdict.REJECT
    proposal.status = Proposal.Status.REJECTED if rejected else Proposal.Status.APPROVED
    proposal.status_reason = ballot.reason.strip()
    proposal.decided_at = Now()
    proposal.save(update_fields=["status", "status_reason", "decided_at"])


def _record(proposal: Proposal, decision: Decision, actor: Actor) -> None:
    data = {
        "verdict": decision.verdict,
        "decision": decision.pk,
        **on_record(decision.signature),
    }
    store = proposal.store.name
    record(
        action="decision.made",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=store,
        data=data,
        words={"digest": decision.digest, "reason": decision.reason, **signed_words(decision.signature)},
        act=decision.act,
    )
    if version := decision.version:
        published = {
            "version": version.pk,
            "revision": version.revision,
            "operation": version.operation,
            "proposal": proposal.pk,
        }
        record(
            action="memory.version.published",
            actor=actor,
            subject=f"memory:{version.memory_id}",
            store=store,
            data=published,
            words={"sha256": version.sha256, "path": version.path},
            act=decision.act,
        )


def _set_others_stale(proposal: Proposal, memory_id: int, path: str, act: uuid.UUID, actor: Actor) -> None:
    """Open proposals that rest on what this publication changed say so at once, not when somebody tries them."""
    paths = {path, proposal.path}
    others = Proposal.objects.open().touching(store_id=proposal.store_id, paths=paths, memory_id=memory_id)
    for other in others.exclude(pk=proposal.pk).select_for_update(of=("self",), skip_locked=True, no_key=True):
        _go_stale(other, f"{path} changed when {actor.name} approved {proposal.public_id}.", actor, act)


@transaction.atomic
def mark_stale(*, proposal_id: int, reason: str, by: Actor = BASE_CHECK, act: uuid.UUID | None = None) -> None:
    """Take an open proposal whose base moved, or whose evidence was withdrawn, out of the queue, saying why."""
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    if proposal.is_open:
        _go_stale(proposal, reason, by, act or uuid.uuid4())


def _go_stale(proposal: Proposal, reason: str, actor: Actor, act: uuid.UUID) -> None:
    proposal.status = Proposal.Status.STALE
    proposal.status_reason = reason
    proposal.save(update_fields=["status", "status_reason"])
    record(
        action="proposal.stale",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        words={"reason": reason},
        act=act,
    )
