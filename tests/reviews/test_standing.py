"""A page that stays open hears what changed under it, in a few queries, and only what its reader may know."""

import pytest
from django.db import connection

from audit.actors import Actor
from memory.models import Proposal
from memory.stopping import resume_store, stop_store
from reviews import changes as requests
from reviews import holding, together
from reviews.ballots import Ballot, Edit
from reviews.commenting import comment
from reviews.models import ReviewSettings
from reviews.services import decide
from reviews.standing import standing_of
from reviews.told import changes
from tests.factories import approve, loosen, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def proposal(store) -> Proposal:
    return make_proposal(store, content="Wait.")


def heard(proposal, reader, act) -> list[tuple[str, bool]]:
    """What a page that was open while `act` happened tells its reader."""
    seen = standing_of(proposal.pk).mark
    act()
    return [(change.text, change.blocks) for change in changes(standing_of(proposal.pk), seen, reader)]


def test_nothing_happened_and_nothing_is_said(proposal, rita):
    assert heard(proposal, rita, lambda: None) == []


def test_a_decision_says_who_and_what(proposal, rita, ruth):
    assert heard(proposal, rita, lambda: approve(proposal, ruth)) == [("ruth approved it.", True)]
    assert standing_of(proposal.pk).decided_at


def test_a_moved_base_says_why(store, rita, ruth):
    base = make_live_memory(store, ruth, path="/a.md")
    update = {"operation": "update", "path": "/a.md", "base_version": base}
    mine, other = (make_proposal(store, content=text, **update) for text in ("One.", "Two."))

    [(text, blocks)] = heard(mine, rita, lambda: approve(other, ruth))

    assert blocks
    assert text == f"Stale: what it rests on changed. /a.md changed when ruth approved {other.public_id}."


def test_a_colleagues_wording_says_so(store, proposal, rita, ruth):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    edit = Ballot("approve_with_edits", proposal.digest, "Says until when.", Edit("Wait for noon.", proposal.path))

    [(text, blocks)] = heard(proposal, rita, lambda: decide(proposal_id=proposal.pk, decider=ruth, ballot=edit))

    assert blocks
    assert "Reworded by ruth: Says until when." in text


def test_a_held_decision_says_who_but_not_what_and_not_to_its_own(store, proposal, rita, ruth):
    ReviewSettings.objects.create(store=store, hold_back_seconds=60)
    ballot = Ballot("approve", proposal.digest)

    [(text, blocks)] = heard(proposal, rita, lambda: holding.cast(proposal_id=proposal.pk, decider=ruth, ballot=ballot))

    assert blocks
    assert text.startswith("ruth decided it a moment ago")
    seen = {**standing_of(proposal.pk).mark, "held": ""}
    assert list(changes(standing_of(proposal.pk), seen, ruth)) == []


def test_a_first_approval_of_two_is_not_told(store, proposal, rita, ruth):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    assert heard(proposal, rita, lambda: approve(proposal, ruth)) == []


def test_a_quote_that_no_longer_stands_is_told(proposal, rita):
    def tamper():
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("UPDATE agent_sessions_event SET output = 'gone'")
            cursor.execute("SET ROLE daylight_app")

    assert heard(proposal, rita, tamper) == [("A quote no longer stands in the event that it cites.", True)]


def test_a_stop_and_its_end_are_told(store, proposal, rita):
    actor = Actor.system("test")
    stop = lambda: stop_store(store_id=store.pk, actor=actor, reason="Looks poisoned.")  # noqa: E731
    resume = lambda: resume_store(store_id=store.pk, actor=actor, reason="It is fine.")  # noqa: E731

    assert heard(proposal, rita, stop) == [("test stopped publishing in claims: Looks poisoned.", True)]
    assert heard(proposal, rita, resume) == [("Publishing in claims goes on again.", False)]


def test_a_flipped_mode_is_told(store, proposal, rita):
    agent = store.agents.get()
    agent.mode = "auto"

    def flip():
        loosen(agent, [store])

    assert heard(proposal, rita, flip) == [("claims goes by policy now: all of its agents are in auto mode.", False)]


def test_what_colleagues_do_beside_it_is_told_to_others_only(proposal, rita, ruth):
    pk = proposal.pk
    acts = {
        "ruth asks for changes: Say until when.": lambda: requests.ask_for_changes(
            proposal_id=pk, by=ruth, note="Say until when."
        ),
        "The request for changes was withdrawn.": lambda: requests.withdraw_request(proposal_id=pk, by=ruth),
        "ruth escalated it: two people are asked for now. Hm.": lambda: together.escalate(
            proposal_id=pk, by=ruth, reason="Hm."
        ),
        "ruth made it your turn.": lambda: together.assign(proposal_id=pk, to=rita, by=ruth),
        "It is nobody's turn in particular any more.": lambda: together.unassign(proposal_id=pk, by=ruth),
        "ruth wrote a comment.": lambda: comment(proposal_id=pk, author=ruth, body="Look."),
    }
    for text, act in acts.items():
        assert [said for said, _ in heard(proposal, rita, act)] == [text]
    assert heard(proposal, rita, lambda: comment(proposal_id=pk, author=rita, body="I do.")) == []


def test_it_takes_two_queries_whatever_stands_there(store, proposal, rita, ruth, django_assert_num_queries):
    for number in range(5):
        comment(proposal_id=proposal.pk, author=rita, body=f"{number}")
        make_session(store.agents.get())
    with django_assert_num_queries(2):
        standing_of(proposal.pk)


def test_an_unknown_proposal_stands_nowhere():
    assert standing_of(999) is None
