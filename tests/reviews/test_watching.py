"""Auto mode, watched: a sample is looked at again, each can be reversed, and too many reversals gate the agents."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from memory import reading
from memory.models import Proposal
from memory.stopping import stop_store
from reviews.ballots import AlreadyDecided, Ballot, NotAllowed, Stopped
from reviews.models import Decision, Gating, ReviewSettings, SecondLook
from reviews.sampling import is_drawn
from reviews.services import decide
from reviews.watching import WATCH, CannotReverse, gate_agents, gate_due, keep, reverse
from tests.factories import approve, loosen, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agents():
    return [make_agent("teller", mode="auto"), make_agent("clerk", mode="auto")]


@pytest.fixture
def store(agents):
    store = make_store("claims", agents)
    ReviewSettings.objects.create(store=store, second_look_share=100, reversals_to_gate=2)
    return store


def let_through(store, **fields) -> Decision:
    decision = make_proposal(store, support={"sessions": 12, "agents": 3}, **fields).decision
    assert decision.decider_kind == "policy"
    return decision


def served(agent) -> list[str]:
    return [memory.path for snapshot in reading.live_snapshots(agent) for memory in snapshot.memories]


def modes(agents) -> list[str]:
    for agent in agents:
        agent.refresh_from_db()
    return [agent.mode for agent in agents]


def test_the_stores_share_of_what_the_policy_lets_through_is_drawn(store):
    assert let_through(store).second_look.sampled
    ReviewSettings.objects.update(second_look_share=0)
    assert not SecondLook.objects.filter(decision=let_through(store)).exists()


def test_what_is_drawn_is_drawn_by_the_decisions_id_alone():
    drawn = [n for n in range(10_000) if is_drawn(n, 10)]
    assert 850 < len(drawn) < 1_150
    assert all(is_drawn(n, 20) for n in drawn)
    assert drawn == [n for n in range(10_000) if is_drawn(n, 10)]


def test_what_people_decide_is_not_drawn(rita):
    store = make_store()
    ReviewSettings.objects.create(store=store, second_look_share=100)
    make_live_memory(store, rita)
    assert not SecondLook.objects.exists()


def test_keeping_changes_nothing_and_is_in_the_record(store, agents, rita):
    decision = let_through(store)
    look = keep(decision_id=decision.pk, by=rita, note="Right.")

    assert (look.state, look.by_name) == ("kept", "rita")
    assert served(agents[0]) == [decision.path]
    entry = Entry.objects.get(action="review.second_look")
    assert (entry.data["answer"], entry.data["decision"]) == ("kept", decision.pk)


def test_reversing_is_a_new_proposal_and_a_new_decision_by_that_reviewer(store, agents, rita):
    decision = let_through(store)
    look = reverse(decision_id=decision.pk, by=rita, note="It hides the cause.")

    assert served(agents[0]) == []
    assert (look.reversal.operation, look.reversal.proposer, look.reversal.status) == ("delete", "rita", "approved")
    assert (look.reversal.decision.decider, look.reversal.decision.reason) == (rita, "It hides the cause.")
    decision.proposal.refresh_from_db()
    assert decision.proposal.status == "approved"
    assert Entry.objects.get(action="review.second_look").data["reversal"] == look.reversal_id


def test_what_was_not_drawn_can_be_reversed_too(store, rita):
    ReviewSettings.objects.update(second_look_share=0)
    look = reverse(decision_id=let_through(store).pk, by=rita)
    assert (look.state, look.sampled) == ("reversed", False)


def test_the_claim_does_not_come_back_by_policy(store, rita):
    decision = let_through(store, claim_key="harmful", path="/a.md")
    reverse(decision_id=decision.pk, by=rita)
    again = make_proposal(store, claim_key="harmful", path="/b.md", support={"sessions": 12, "agents": 3})
    again.refresh_from_db()
    assert again.is_open


def test_what_changed_since_is_not_reversed(store, agents, rita):
    decision = let_through(store, path="/a.md")
    approve(make_proposal(store, operation="update", path="/a.md", base_version=decision.version, content="Two."), rita)
    with pytest.raises(CannotReverse, match="changed by a later decision"):
        reverse(decision_id=decision.pk, by=rita)

    assert served(agents[0]) == ["/a.md"]
    assert SecondLook.objects.get(decision=decision).state == "waiting"


def test_what_is_gone_is_not_reversed(store, rita):
    decision = let_through(store, path="/a.md")
    approve(make_proposal(store, operation="delete", path="/a.md", base_version=decision.version, content=""), rita)
    with pytest.raises(CannotReverse, match="was deleted"):
        reverse(decision_id=decision.pk, by=rita)


def test_nothing_is_reversed_in_a_stopped_store(store, agents, rita):
    decision = let_through(store)
    stop_store(store_id=store.pk, actor=WATCH, reason="Looks poisoned.")
    with pytest.raises(Stopped):
        reverse(decision_id=decision.pk, by=rita)
    assert not Proposal.objects.filter(operation="delete").exists()


def test_a_second_look_is_taken_once(store, rita, ruth):
    decision = let_through(store)
    keep(decision_id=decision.pk, by=rita)
    with pytest.raises(AlreadyDecided, match="rita looked at it already"):
        reverse(decision_id=decision.pk, by=ruth)


def test_only_reviewers_look_again_and_only_at_the_policy(store, adam, rita):
    with pytest.raises(NotAllowed):
        reverse(decision_id=let_through(store).pk, by=adam)
    by_rita = make_live_memory(make_store(), rita).decision
    with pytest.raises(NotAllowed, match="A person decided this"):
        reverse(decision_id=by_rita.pk, by=rita)


def test_where_two_are_asked_the_reversal_waits_for_the_second(store, agents, rita, ruth):
    decision = let_through(store)
    ReviewSettings.objects.update(four_eyes="flagged")

    look = reverse(decision_id=decision.pk, by=rita)

    assert look.reversal.is_open
    assert served(agents[0]) == [decision.path]
    approve(look.reversal, ruth)
    assert served(agents[0]) == []


def test_too_many_reversals_gate_every_auto_agent_of_the_store(store, agents, rita):
    elsewhere = make_agent("elsewhere", mode="auto")
    make_store("other", [elsewhere, agents[1]])
    first, second = let_through(store), let_through(store)

    reverse(decision_id=first.pk, by=rita)
    assert modes(agents) == ["auto", "auto"]
    reverse(decision_id=second.pk, by=rita)

    assert modes([*agents, elsewhere]) == ["gated", "gated", "auto"]
    gating = Gating.objects.get()
    assert (sorted(gating.agents), gating.reversals) == (["clerk", "teller"], 2)
    entry = Entry.objects.get(action="agent.changed", subject=f"agent:{agents[0].pk}")
    assert (entry.actor_kind, entry.data["after"]["mode"]) == ("system", "gated")
    assert "2 reversals in claims" in entry.data["reason"]
    assert list(agents[1].stores.values_list("name", flat=True)) == ["claims", "other"]


def test_kept_old_and_refused_reversals_do_not_count(store, agents, rita, ruth):
    old, kept, refused, fresh = (let_through(store) for _ in range(4))
    reverse(decision_id=old.pk, by=rita)
    SecondLook.objects.filter(decision=old).update(answered_at=timezone.now() - timedelta(days=31))
    keep(decision_id=kept.pk, by=rita)
    ReviewSettings.objects.update(four_eyes="flagged", reversals_to_gate=9)
    look = reverse(decision_id=refused.pk, by=rita)
    decide(proposal_id=look.reversal_id, decider=ruth, ballot=Ballot("reject", look.reversal.digest, "It is right."))
    ReviewSettings.objects.update(four_eyes="never", reversals_to_gate=2)

    reverse(decision_id=fresh.pk, by=rita)
    assert modes(agents) == ["auto", "auto"]


def test_after_a_gating_an_admin_can_try_again(store, agents, rita):
    for decision in [let_through(store), let_through(store)]:
        reverse(decision_id=decision.pk, by=rita)
    for agent in agents:
        agent.refresh_from_db()
        agent.mode = "auto"
        loosen(agent, [store])

    assert gate_agents(store_id=store.pk) is None
    reverse(decision_id=let_through(store).pk, by=rita)
    assert modes(agents) == ["auto", "auto"]


def test_what_a_killed_process_left_ungated_is_gated_by_the_clock(store, agents, rita, monkeypatch):
    monkeypatch.setattr("reviews.watching.gate_agents", lambda **_: None)
    for decision in [let_through(store), let_through(store)]:
        reverse(decision_id=decision.pk, by=rita)
    monkeypatch.undo()
    assert modes(agents) == ["auto", "auto"]

    assert [gate_due(), gate_due()] == [1, 0]
    assert modes(agents) == ["gated", "gated"]


def test_the_pages_offer_it_and_say_loudly_what_followed(client, store, rita, aude):
    first, second = let_through(store, title="<b>Bold</b> claim"), let_through(store)
    client.force_login(rita)
    page = client.get("/second-looks/").content.decode()
    assert "2 second looks wait" in page
    assert "<b>Bold</b>" not in page

    client.post(f"/second-looks/{first.pk}/reverse/", {"note": "No."})
    response = client.post(f"/second-looks/{second.pk}/reverse/", {"from": "proposal"})
    assert response["Location"] == f"/proposals/{second.proposal_id}/"

    client.force_login(aude)
    for address in ("/", "/agents/", "/agents/teller/", "/second-looks/"):
        assert "gated again" in client.get(address).content.decode()
    assert "Reverse it" not in client.get("/second-looks/").content.decode()
    assert "reversed" in client.get(f"/proposals/{first.proposal_id}/").content.decode()


def test_a_reversal_that_cannot_be_is_a_page_that_says_why(client, store, rita):
    decision = let_through(store, path="/a.md")
    reverse(decision_id=decision.pk, by=rita)
    client.force_login(rita)
    response = client.post(f"/second-looks/{decision.pk}/reverse/")
    assert response.status_code == 409
    assert "rita looked at it already" in response.content.decode()
