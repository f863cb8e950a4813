"""What asks less of people takes two admins; what asks for more takes one and holds at once."""

import pytest
from django.db import IntegrityError, transaction

from audit.actors import Actor
from audit.models import Entry
from audit.salts import matches
from memory.agents import SettingsMoved, save_agent_settings, settings_digest
from memory.models import PolicyChange
from reviews.ballots import AlreadyDecided, NotAllowed
from reviews.models import ReviewSettings, Vote
from reviews.policy_changes import confirm_change, refuse_change
from reviews.review_settings import save_review_settings
from sessions.models import Agent
from sessions.signals import agents_seen
from tests.conftest import make_user
from tests.factories import approve, make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def alma(db):
    """A second admin."""
    return make_user("alma", "admin")


@pytest.fixture
def agent():
    agent = make_agent("teller")
    make_store("claims", [agent])
    return agent


def save(agent, by, stores=None, **changes):
    agent = Agent.objects.get(pk=agent.pk)
    for name, value in changes.items():
        setattr(agent, name, value)
    return save_agent_settings(
        agent=agent, stores=list(agent.stores.all()) if stores is None else stores, actor=Actor.user(by)
    )


def mode(agent) -> str:
    return Agent.objects.get(pk=agent.pk).mode


def test_one_admin_proposes_auto_and_another_makes_it_so(client, agent, adam, alma):
    client.force_login(adam)
    sent = {
        "mode": "auto",
        "auto_min_sessions": 10,
        "auto_min_agents": 2,
        "stores": [agent.stores.get().pk],
        "seen": settings_digest(agent),
    }
    page = client.post("/agents/teller/settings/", sent, follow=True).content.decode()
    assert "Nothing changed yet" in page
    assert "1 policy change waits" in page
    assert mode(agent) == "gated"
    change = PolicyChange.objects.get()
    assert change.looser == ["teller goes from gated to auto.", "The policy decides in claims, where people did."]

    assert client.post(f"/policy-changes/{change.pk}/confirm/").status_code == 403
    client.force_login(alma)
    assert "The policy decides in claims" in client.get("/policy-changes/").content.decode()
    assert client.post(f"/policy-changes/{change.pk}/confirm/", {"note": "Agreed."}).status_code == 302

    assert mode(agent) == "auto"
    act = Entry.objects.get(action="policy.change_confirmed").act
    assert [entry.action for entry in Entry.objects.filter(act=act).order_by("seq")] == [
        "agent.changed",
        "store.changed",
        "policy.change_confirmed",
    ]
    assert Entry.objects.get(action="policy.change_proposed").actor_name == "adam"


def test_who_proposed_it_cannot_confirm_it_but_can_withdraw_it(agent, adam, alma):
    change = save(agent, adam, mode="auto")
    with pytest.raises(NotAllowed, match="Another admin"):
        confirm_change(change_id=change.pk, by=adam)
    refuse_change(change_id=change.pk, by=adam)
    with pytest.raises(AlreadyDecided):
        confirm_change(change_id=change.pk, by=alma)
    assert mode(agent) == "gated"


def test_no_reviewer_confirms_it(agent, adam, rita):
    change = save(agent, adam, mode="auto")
    with pytest.raises(NotAllowed, match="Only an admin"):
        confirm_change(change_id=change.pk, by=rita)


def test_tightening_holds_at_once_also_while_a_loosening_waits(agent, adam, alma):
    change = save(agent, adam, mode="auto")
    assert save(agent, adam, auto_min_sessions=50) is None
    assert Agent.objects.get().auto_min_sessions == 50

    assert confirm_change(change_id=change.pk, by=alma).state == "moved"
    assert mode(agent) == "gated"
    assert save(agent, adam, mode="auto").state == "pending"


def test_back_to_gated_takes_one_admin(agent, adam, alma):
    confirm_change(change_id=save(agent, adam, mode="auto").pk, by=alma)
    assert save(agent, alma, mode="gated") is None
    assert mode(agent) == "gated"


@pytest.mark.parametrize("lower", [{"auto_min_sessions": 5}, {"auto_min_agents": 1}])
def test_lower_thresholds_take_two(agent, adam, lower):
    assert save(agent, adam, **lower).looser
    assert (Agent.objects.get().auto_min_sessions, Agent.objects.get().auto_min_agents) == (10, 2)


def test_one_loosening_of_the_same_settings_waits_at_a_time(agent, adam, alma):
    save(agent, adam, mode="auto")
    with pytest.raises(SettingsMoved, match="waits for a second admin already"):
        save(agent, alma, mode="auto")


def test_nobody_lets_the_policy_into_a_store_by_who_reads_it(agent, adam):
    """Taking the gated agent away, or attaching an auto agent where nobody reads, leaves the store to the policy."""
    store, empty = agent.stores.get(), make_store("empty")
    auto = make_agent("clerk", mode="auto")
    auto.stores.add(store)

    assert save(agent, adam, stores=[]).looser == ["The policy decides in claims, where people did."]
    assert save(auto, adam, stores=[store, empty]).looser == ["The policy decides in empty, where people did."]
    assert list(agent.stores.all()) == [store]


def test_nor_by_the_first_import_of_an_auto_agents_sessions():
    auto = make_agent("clerk", mode="auto")
    [(_, warnings)] = agents_seen.send(sender=None, store="fresh", agents=[auto])
    assert "reads no store, not fresh" in warnings[0]
    assert not auto.stores.exists()


def test_taking_the_strictest_auto_agent_away_takes_two(adam):
    strict, lax = make_agent("strict", mode="auto", auto_min_sessions=50), make_agent("lax", mode="auto")
    make_store("claims", [strict, lax])
    assert save(strict, adam, stores=[]).looser == ["The policy asks for less in claims."]


# How a store is reviewed.

STRICT = {"four_eyes": "always", "signatures": True, "hold_back_seconds": 60, "signing_break_minutes": 15}


def review(store, by, **changes):
    settings = ReviewSettings.of(store)
    for name, value in changes.items():
        setattr(settings, name, value)
    return save_review_settings(settings=settings, actor=Actor.user(by))


@pytest.mark.parametrize(
    "looser",
    [
        {"four_eyes": "flagged"},
        {"four_eyes": "never"},
        {"signatures": False},
        {"hold_back_seconds": 0},
        {"signing_break_minutes": 60},
        {"waivers_allowed": True},
    ],
)
def test_a_looser_review_waits_for_another_admin(adam, alma, looser):
    store = make_store("claims")
    assert review(store, adam, **STRICT) is None
    change = review(store, adam, **looser, target_hours=7)

    kept = ReviewSettings.of(store)
    assert change.after == looser
    assert {name: getattr(kept, name) for name in STRICT} == STRICT
    assert (kept.waivers_allowed, kept.target_hours) == (False, 7)
    confirm_change(change_id=change.pk, by=alma)
    kept = ReviewSettings.of(store)
    assert {name: getattr(kept, name) for name in looser} == looser
    assert kept.target_hours == 7


def test_a_review_that_became_stricter_meanwhile_is_not_loosened_by_an_old_proposal(adam, alma):
    store = make_store("claims")
    review(store, adam, four_eyes="flagged")
    change = review(store, adam, four_eyes="never")
    review(store, adam, four_eyes="always")

    assert confirm_change(change_id=change.pk, by=alma).state == "moved"
    assert ReviewSettings.of(store).four_eyes == "always"


def test_until_it_is_confirmed_two_people_are_asked(adam, rita):
    store = make_store("claims")
    review(store, adam, four_eyes="always")
    review(store, adam, four_eyes="never")
    assert isinstance(approve(make_proposal(store), rita), Vote)


def test_the_database_takes_no_confirmation_by_who_proposed_it(agent, adam):
    change = save(agent, adam, mode="auto")
    with pytest.raises(IntegrityError, match="confirmed_by_another"), transaction.atomic():
        PolicyChange.objects.filter(pk=change.pk).update(state="confirmed", answered_by=str(adam.pk))


def test_a_loosening_holds_no_address_and_the_record_of_its_answer_no_words(adam, alma):
    store = make_store("mailed")
    ReviewSettings.objects.create(store=store, four_eyes="always")
    wanted = ReviewSettings(
        store=store, four_eyes="never", remind_by_mail="jane@example.org", webhook_url="https://chat.example.org/secret"
    )
    change = save_review_settings(settings=wanted, actor=Actor.user(adam))
    confirm_change(change_id=change.pk, by=alma, note="Jane Doe agreed.")

    change.refresh_from_db()
    said = [bytes(entry.body).decode() for entry in Entry.objects.all()] + [str(change.before), str(change.after)]
    assert not any(word in text for text in said for word in ("jane@", "chat.example.org", "Jane Doe"))
    assert matches(Entry.objects.get(action="policy.change_confirmed")) == "matches"
