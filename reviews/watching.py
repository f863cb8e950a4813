"""Auto mode, watched: second looks at what the policy let through, and what follows when too much is reversed."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.acts import one_act
from audit.roles import REVIEWER, has_role
from audit.services import record
from memory.agents import save_agent_settings
from memory.models import MemoryStore, MemoryVersion, Proposal
from memory.paths import InvalidMemory
from memory.services import Draft, Refused, lock_stores, submit_proposal
from reviews.ballots import AlreadyDecided, Ballot, DecisionRefused, NotAllowed
from reviews.models import Decision, Gating, ReviewSettings, SecondLook
from reviews.services import decide
from reviews.signing import SigningRequest, Verified, verify
from sessions.models import Agent

COUNTED_DAYS = 30
WATCH = Actor.system("auto mode watch")
State = SecondLook.State


class CannotReverse(DecisionRefused):
    """The decision cannot be reversed by one click; the message says why and what to do."""


@transaction.atomic
def keep(*, decision_id: int, by: User, note: str = "") -> SecondLook:
    """Say that the policy was right. Raises a `DecisionRefused`."""
    look = _locked_look(decision_id, by)
    return _answer(look, State.KEPT, by, note)


def over_look(decision_id: int) -> str:
    """What the signing request of a reversal is bound to."""
    return f"second-look:{decision_id}"


def reverse(*, decision_id: int, by: User, note: str = "", signing: SigningRequest | None = None) -> SecondLook:
    """Take what the policy published out of memory: a delete, proposed and decided by this reviewer.

    Where two people are asked for, the delete waits for the second one. `signing` where the store asks for it. Raises a
    `DecisionRefused`; then nothing changed. Too many reversals gate the store's agents.
    """
    signed = _signed(decision_id, by, signing or SigningRequest())
    with transaction.atomic(), one_act():
        look = _locked_look(decision_id, by)
        look.reversal = _file_reversal(look.decision, by, note)
        _decide_reversal(look.reversal, by, note, signed)
        look = _answer(look, State.REVERSED, by, note)
    gate_agents(store_id=look.decision.proposal.store_id)
    return look


def _signed(decision_id: int, by: User, signing: SigningRequest) -> Verified | None:
    """The verified signing request, where the store asks for one. Raises `NotSigned`."""
    store = Decision.objects.select_related("proposal__store").get(pk=decision_id).proposal.store
    chosen = ReviewSettings.of(store)
    if not chosen.signatures:
        return None
    what, minutes = over_look(decision_id), chosen.signing_break_minutes
    return verify(signer=by, request=signing, what=what, minutes=minutes, store=store.name)


def _locked_look(decision_id: int, by: User) -> SecondLook:
    """The open second look at a policy's decision; one that a person takes up unasked begins here."""
    if not has_role(User.objects.get(pk=by.pk), REVIEWER):
        raise NotAllowed("Only a reviewer takes a second look.")
    decision = Decision.objects.select_related("proposal__store", "version__memory").get(pk=decision_id)
    if decision.decider_kind != Decision.DeciderKind.POLICY:
        raise NotAllowed("A person decided this. Second looks are at what the policy let through.")
    SecondLook.objects.bulk_create([SecondLook(decision=decision, sampled=False)], ignore_conflicts=True)
    look = SecondLook.objects.select_for_update(of=("self",), no_key=True).get(decision=decision)
    if look.state != State.WAITING:
        raise AlreadyDecided(f"{look.by_name} looked at it already: {look.get_state_display()}.")
    look.decision = decision
    return look


def _file_reversal(decision: Decision, by: User, note: str) -> Proposal:
    proposal, version = decision.proposal, decision.version
    lock_stores([proposal.store_id])
    version.memory.refresh_from_db(fields=["head"])
    if version.memory.head_id != version.pk:
        what = "was deleted" if version.memory.head_id is None else "was changed by a later decision"
        raise CannotReverse(f"{version.path} {what} since, so there is nothing to reverse here. Look at its history.")
    try:
        return submit_proposal(
            store=proposal.store,
            draft=_reversal(proposal, version, note),
            source=Proposal.Source.PERSON,
            source_ref=f"reverses {proposal.public_id}",
            proposer=Actor.user(by),
        )
    except (Refused, InvalidMemory) as refusal:
        raise CannotReverse(f"It could not be reversed. {refusal}") from refusal


def _reversal(proposal: Proposal, version: MemoryVersion, note: str) -> Draft:
    return Draft(
        operation=Proposal.Operation.DELETE,
        path=version.path,
        base_version=version,
        content="",
        kind=proposal.kind,
        title=f"Take back: {proposal.title}",
        rationale=f"Reverses {proposal.public_id}, which the policy let through. {note.strip()}".strip(),
        benefit=proposal.benefit,
    )


def _decide_reversal(reversal: Proposal, by: User, note: str, signed: Verified | None) -> None:
    """Approve it; where its author alone is not enough it stays open for somebody else."""
    reason = note.strip() or "Reversed at a second look."
    try:
        with transaction.atomic():
            ballot = Ballot("approve", reversal.digest, reason)
            decide(proposal_id=reversal.pk, decider=by, ballot=ballot, signed=signed)
    except NotAllowed:
        pass
    reversal.refresh_from_db()


def _answer(look: SecondLook, state: str, by: User, note: str) -> SecondLook:
    actor = Actor.user(by)
    look.state, look.by, look.by_name, look.note, look.answered_at = state, by, actor.name, note.strip(), Now()
    look.save()
    decision = look.decision
    record(
        action="review.second_look",
        actor=actor,
        subject=f"proposal:{decision.proposal_id}",
        store=decision.proposal.store.name,
        data={
            "decision": decision.pk,
            "answer": str(state),
            "sampled": look.sampled,
            "reversal": look.reversal_id,
        },
        words={"note": look.note},
    )
    look.refresh_from_db(fields=["answered_at"])
    return look


def gate_due() -> int:
    """Gate whatever a killed process left ungated; returns in how many stores."""
    return sum(gate_agents(store_id=pk) is not None for pk in MemoryStore.objects.values_list("pk", flat=True))


@transaction.atomic
@one_act()
def gate_agents(*, store_id: int) -> Gating | None:
    """Put the store's auto agents back to gated when so many reversals were made as its settings say.

    An act of its own, after the reversal's: it needs the locks of other stores, which are taken first and in order.
    Reversals are counted from the last gating on, so that an admin can try auto mode again.
    """
    store = MemoryStore.objects.get(pk=store_id)
    if _reversals(store) < ReviewSettings.of(store).reversals_to_gate:
        return None
    lock_stores([store_id, *MemoryStore.objects.filter(agents__in=_auto_agents(store_id)).values_list("pk", flat=True)])
    count, agents = _reversals(store), list(_auto_agents(store_id))
    if count < ReviewSettings.of(store).reversals_to_gate or not agents:
        return None
    gating = Gating.objects.create(store=store, agents=[agent.slug for agent in agents], reversals=count)
    for agent in agents:
        agent.mode = Agent.Mode.GATED
        save_agent_settings(
            agent=agent,
            stores=list(agent.stores.all()),
            actor=WATCH,
            reason=f"{count} reversals in {store.name} of what the policy let through",
        )
    return gating


def _auto_agents(store_id: int):
    return Agent.objects.filter(stores=store_id, mode=Agent.Mode.AUTO)


def _reversals(store: MemoryStore) -> int:
    """How many decisions of the policy were reversed lately; a reversal that a second person refused does not count."""
    looks = SecondLook.objects.filter(
        decision__proposal__store=store, state=State.REVERSED, answered_at__gte=Now() - timedelta(days=COUNTED_DAYS)
    ).exclude(reversal__status=Proposal.Status.REJECTED)
    if last := Gating.objects.filter(store=store).first():
        looks = looks.filter(answered_at__gt=last.at)
    return looks.count()
