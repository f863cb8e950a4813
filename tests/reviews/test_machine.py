"""Whatever people, admins and agents do, in whatever order: nothing goes live by one person where two are asked.

What is asked for is worked out here, apart from the code that asks for it. A longer walk, of 10,000 steps and more:
`make test ARGS="tests/reviews/test_machine.py --hypothesis-profile=long"`.
"""

import itertools
import sys
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.actors import Actor
from audit.people import grant_role, revoke_role
from audit.verifying import verify_record
from memory.agents import save_agent_settings
from memory.loosening import SettingsMoved
from memory.models import Memory, PolicyChange, Proposal
from memory.paths import InvalidMemory
from memory.scanning import scan
from memory.services import Refused
from memory.suggestions import Suggestion, suggest
from reviews import holding
from reviews.ballots import Ballot, DecisionRefused, Edit
from reviews.models import Decision, Escalation, HeldBallot, ReviewSettings
from reviews.policies import AutoPolicy
from reviews.policy_changes import confirm_change
from reviews.rebasing import MergeConflict, rebase
from reviews.review_settings import save_review_settings
from reviews.services import decide
from reviews.together import NotDone, escalate
from reviews.undoing import reopen, revert
from sessions.models import Agent
from tests.conftest import make_user
from tests.factories import make_agent, make_proposal, make_session, make_store

REFUSALS = (DecisionRefused, Refused, InvalidMemory, NotDone, MergeConflict, SettingsMoved, ValueError)
TEXTS = [
    "Wait for the close.",
    "Ask for the order first.\n\nThen look it up.",
    "See https://example.org/how",
    "Call twice.",
]
_numbers = itertools.count(1)

people = st.sampled_from(["rita", "ruth", "rob"])
admins = st.sampled_from(["adam", "alma"])
picks = st.integers(0, 30)
texts = st.sampled_from(TEXTS)


class Desk(RuleBasedStateMachine):
    """Three reviewers, two admins, one store and its agent."""

    steps = published = by_two = 0

    @initialize(four_eyes=st.sampled_from(ReviewSettings.FourEyes.values))
    def begin(self, four_eyes: str) -> None:
        number = next(_numbers)
        self.users = {name: make_user(f"{name}-{number}", "reviewer") for name in ("rita", "ruth", "rob")}
        self.users |= {name: make_user(f"{name}-{number}", "admin") for name in ("adam", "alma")}
        self.agent = make_agent(f"teller-{number}")
        self.store = make_store(f"claims-{number}", [self.agent])
        self.session = make_session(self.agent)
        ReviewSettings.objects.create(store=self.store, four_eyes=four_eyes)
        self.checked = 0
        for text in TEXTS:
            self.a_dream_proposes(text)

    # What comes in

    @rule(text=texts)
    def a_dream_proposes(self, text: str) -> None:
        with suppress(*REFUSALS):
            make_proposal(self.store, self.session, content=f"{text} {next(_numbers)}")

    @rule(text=texts, pick=picks)
    def an_agent_asks(self, text: str, pick: int) -> None:
        heads = [memory.head for memory in Memory.objects.live(self.store.pk)]
        base = heads[pick % len(heads)] if heads and pick % 2 else None
        operation = "create" if base is None else ("update", "delete")[pick % 3 == 0]
        path = base.path if base else f"/notes/n-{next(_numbers)}.md"
        content = "" if operation == "delete" else f"{text} {next(_numbers)}"
        with suppress(*REFUSALS):
            suggest(agent=self.agent, store=self.store, suggestion=Suggestion(operation, path, content, base=base))

    # What people do

    @rule(who=people, pick=picks, waiver=st.sampled_from(["", "", "", "waiver", "emergency"]))
    def approve(self, who: str, pick: int, waiver: str) -> None:
        self._cast(who, pick, "approve", waiver=waiver)

    @rule(first=people, second=people, pick=picks)
    def two_approve(self, first: str, second: str, pick: int) -> None:
        """One after the other, the same person perhaps."""
        self._cast(first, pick, "approve")
        self._cast(second, pick, "approve")

    @rule(who=people, pick=picks, text=texts, waiver=st.sampled_from(["", "", "", "waiver"]))
    def approve_with_edits(self, who: str, pick: int, text: str, waiver: str) -> None:
        self._cast(who, pick, "approve_with_edits", text=f"{text} {next(_numbers)}", waiver=waiver)

    @rule(who=people, pick=picks)
    def reject(self, who: str, pick: int) -> None:
        self._cast(who, pick, "reject")

    @rule(who=people, pick=picks)
    def ask_for_two(self, who: str, pick: int) -> None:
        self._on_open(pick, lambda one: escalate(proposal_id=one.pk, by=self.users[who], reason="Touches payments."))

    @rule(who=people, pick=picks)
    def rebase_what_is_stale(self, who: str, pick: int) -> None:
        self._on(Proposal.Status.STALE, pick, lambda one: rebase(proposal_id=one.pk, by=self.users[who]))

    @rule(who=people, pick=picks)
    def bring_back(self, who: str, pick: int) -> None:
        again = lambda one: reopen(proposal_id=one.pk, by=self.users[who], why="Look again.")  # noqa: E731
        self._on(Proposal.Status.REJECTED, pick, again)

    @rule(who=people, pick=picks)
    def revert_a_decision(self, who: str, pick: int) -> None:
        decisions = list(Decision.objects.filter(proposal__store=self.store).order_by("pk"))
        if decisions:
            with suppress(*REFUSALS):
                revert(decision_id=decisions[pick % len(decisions)].pk, by=self.users[who], why="It went wrong.")

    @rule(who=people)
    def take_back_what_is_held(self, who: str) -> None:
        for held in HeldBallot.objects.filter(proposal__store=self.store, state="held", user=self.users[who]):
            with suppress(*REFUSALS):
                holding.undo(held_id=held.pk, by=self.users[who])

    @rule()
    def what_is_held_takes_effect(self) -> None:
        rows = HeldBallot.objects.filter(proposal__store=self.store, state="held")
        rows.update(due_at=timezone.now())
        for held in rows:
            self._watched(lambda held=held: holding.release(held.pk), held.proposal)

    @rule(pick=picks)
    def the_policy_looks(self, pick: int) -> None:
        self._on_open(
            pick,
            lambda one: decide(proposal_id=one.pk, decider=AutoPolicy(), ballot=Ballot("approve", one.digest, "Auto.")),
        )

    # What admins do

    @rule(
        who=admins,
        four_eyes=st.sampled_from(ReviewSettings.FourEyes.values),
        hold=st.sampled_from([0, 60]),
        waivers=st.booleans(),
    )
    def change_how_it_is_reviewed(self, who: str, four_eyes: str, hold: int, waivers: bool) -> None:
        kept = ReviewSettings.of(self.store)
        kept.four_eyes, kept.hold_back_seconds, kept.waivers_allowed = four_eyes, hold, waivers
        with suppress(*REFUSALS):
            save_review_settings(settings=kept, actor=Actor.user(self.users[who]))

    @rule(who=admins, mode=st.sampled_from(["gated", "auto"]), own=st.booleans())
    def change_the_agent(self, who: str, mode: str, own: bool) -> None:
        agent = Agent.objects.get(pk=self.agent.pk)
        agent.mode, agent.auto_own_writes, agent.auto_min_sessions = mode, own, 2
        with suppress(*REFUSALS):
            save_agent_settings(agent=agent, stores=[self.store], actor=Actor.user(self.users[who]))

    @rule(who=admins)
    def confirm_what_waits(self, who: str) -> None:
        for change in PolicyChange.objects.filter(state="pending"):
            mine = change.proposed_by == str(self.users[who].pk)
            try:
                done = confirm_change(change_id=change.pk, by=self.users[who])
            except REFUSALS:
                continue
            assert not (mine and done.state == "confirmed"), "nobody confirms what they proposed"

    @rule(who=people, admin=admins, has=st.booleans())
    def change_a_role(self, who: str, admin: str, has: bool) -> None:
        change = grant_role if has else revoke_role
        with suppress(*REFUSALS):
            change(user_id=self.users[who].pk, role="reviewer", actor=Actor.user(self.users[admin]))

    # What must hold

    @invariant()
    def the_database_agrees(self) -> None:
        """Its own guards look when a transaction ends."""
        Desk.steps += 1
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def agents_read_decided_texts_alone(self) -> None:
        for memory in Memory.objects.live(self.store.pk).select_related("head__decision"):
            assert memory.head.decision.verdict in ("approve", "approve_with_edits")

    def teardown(self) -> None:
        assert verify_record().error == ""

    # How it is done

    def _cast(self, who: str, pick: int, verdict: str, text: str = "", waiver: str = "") -> None:
        user = User.objects.get(pk=self.users[who].pk)

        def act(one: Proposal) -> None:
            edit = Edit(text, one.new_path or one.path) if text else None
            ballot = Ballot(verdict, one.digest, "I read it.", edit, waiver)
            holding.cast(proposal_id=one.pk, decider=user, ballot=ballot)

        self._on_open(pick, act)

    def _on_open(self, pick: int, act: Any) -> None:
        self._on(Proposal.Status.OPEN, pick, act)

    def _on(self, status: str, pick: int, act: Any) -> None:
        rows = list(Proposal.objects.filter(store=self.store, status=status).order_by("pk"))
        if rows:
            one = rows[pick % len(rows)]
            self._watched(lambda: act(one), one)

    def _watched(self, act: Any, proposal: Proposal) -> None:
        """Do it, and look at what it published, with what was asked for before."""
        asked = ReviewSettings.of(self.store).four_eyes
        escalated = Escalation.objects.filter(proposal=proposal).exists()
        with suppress(*REFUSALS):
            act()
        for decision in Decision.objects.filter(proposal__store=self.store, pk__gt=self.checked).order_by("pk"):
            self.checked = decision.pk
            if decision.version is not None:
                self._check(decision, asked, escalated=escalated)

    def _check(self, decision: Decision, asked: str, *, escalated: bool) -> None:
        proposal, version = decision.proposal, decision.version
        Desk.published += 1
        suspect = proposal.operation == "delete" or bool(proposal.risk) or bool(scan(version.path, version.content))
        if not (asked == "always" or (asked == "flagged" and suspect) or escalated):
            return
        Desk.by_two += 1
        assert decision.decider_kind == "user", "no policy decides where two are asked"
        if hasattr(decision, "waiver"):
            assert decision.waiver.reason
            return
        behind = {str(decision.decider_id)}
        behind |= {str(vote.reader_id) for vote in proposal.votes.filter(digest=proposal.digest)}
        if proposal.proposer_kind == "user":
            behind.add(proposal.proposer_id)
        assert len(behind) > 1, f"{proposal} went live by one person"
        assert decision.verdict == "approve", "an edit is a proposal of its own where two are asked"


SHORT = {"max_examples": 6, "stateful_step_count": 30}


@pytest.mark.django_db
def test_nothing_goes_live_by_one_person_where_two_are_asked(capsys) -> None:
    long = settings.get_current_profile_name() == "long"
    walk = settings(deadline=None, suppress_health_check=list(HealthCheck), **({} if long else SHORT))

    run_state_machine_as_test(Desk, settings=walk)

    assert Desk.published, "something went live on the way"
    with capsys.disabled():
        sys.stdout.write(
            f"\n{Desk.steps:,} steps, {Desk.published:,} publications, {Desk.by_two:,} of them where two were asked\n"
        )
