"""The queue: order, pages by keyset, filters, empty states, a constant number of queries."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dreaming.databases import APP_ROLE
from memory.models import Proposal
from reviews import queue as queues
from reviews.ballots import Ballot
from reviews.models import ReviewSettings
from reviews.queue import Filters
from reviews.services import decide
from reviews.snoozing import snooze
from tests.factories import approve, make_agent, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


def shown(response) -> list[int]:
    return [row.proposal.pk for row in response.context["rows"]]


def many(store, count: int, **fields) -> list[Proposal]:
    session = make_session(store.agents.first())
    return [make_proposal(store, session, **fields) for _ in range(count)]


def test_the_most_useful_comes_first_and_the_newest_among_equals(desk, store):
    low, high, equal = (make_proposal(store, benefit=benefit) for benefit in (0.1, 0.9, 0.9))

    assert shown(desk.get("/")) == [equal.pk, high.pk, low.pk]


def test_pages_by_keyset_show_each_proposal_once_even_when_all_tie(desk, store, monkeypatch):
    monkeypatch.setattr(queues, "PAGE_SIZE", 3)
    expected = [row.pk for row in many(store, 8, benefit=0.1 + 0.2)][::-1]
    seen, address = [], "/"
    while address:
        response = desk.get(address)
        seen += shown(response)
        after = response.context["page"].after
        address = f"/?after={after}" if after else ""

    assert seen == expected


def test_a_decision_between_two_pages_skips_and_repeats_nothing(desk, store, rita, monkeypatch):
    monkeypatch.setattr(queues, "PAGE_SIZE", 3)
    rows = many(store, 6)[::-1]
    first = desk.get("/")
    approve(rows[0], rita)

    second = desk.get("/", {"after": first.context["page"].after})

    assert shown(first) + shown(second) == [row.pk for row in rows]


@pytest.mark.parametrize("sort", ["benefit", "risk", "oldest", "newest"])
@pytest.mark.parametrize("tab", ["open", "stale", "decided"])
def test_pages_lead_on_and_back_again(desk, store, rita, monkeypatch, tab, sort):
    monkeypatch.setattr(queues, "PAGE_SIZE", 3)
    for number, proposal in enumerate(many(store, 7)):
        if tab == "stale":
            Proposal.objects.filter(pk=proposal.pk).update(status="stale")
        elif tab == "decided":
            decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, f"No. {number}"))
    address = {"tab": tab, "sort": sort}
    first = desk.get("/", address)
    second = desk.get("/", address | {"after": first.context["page"].after})
    third = desk.get("/", address | {"after": second.context["page"].after})

    back = desk.get("/", address | {"before": third.context["page"].before})
    start = desk.get("/", address | {"before": back.context["page"].before})

    assert [len(shown(page)) for page in (first, second, third)] == [3, 3, 1]
    assert shown(back) == shown(second)
    assert shown(start) == shown(first)
    assert start.context["page"].before == first.context["page"].before == third.context["page"].after == ""
    assert desk.get("/", address | {"before": start.context["page"].after}).context["page"].before == ""


def test_sorts_by_flags_and_by_age(desk, store):
    flagged = make_proposal(store, benefit=1, content="See https://example.com/x")
    useful, plain = make_proposal(store, benefit=3), make_proposal(store, benefit=2)

    assert shown(desk.get("/?sort=risk")) == [flagged.pk, useful.pk, plain.pk]
    assert shown(desk.get("/?sort=oldest")) == [flagged.pk, useful.pk, plain.pk]
    assert shown(desk.get("/?sort=newest")) == [plain.pk, useful.pk, flagged.pk]


def test_age_is_measured_against_the_target_of_the_store(desk, store):
    quick = make_store("quick", [make_agent("runner")])
    ReviewSettings.objects.create(store=quick, target_hours=4)
    over, near, fresh = (aged(quick, hours) for hours in (5, 3.5, 1))
    patient = aged(store, 5)
    late = aged(store, 73)

    assert set(shown(desk.get("/?age=over"))) == {over.pk, late.pk}
    assert shown(desk.get("/?age=near")) == [near.pk]
    assert set(shown(desk.get("/?age=fresh"))) == {fresh.pk, patient.pk}
    standings = {row.proposal.pk: row.standing.age for row in desk.get("/").context["rows"]}
    assert standings == {over.pk: "over", late.pk: "over", near.pk: "near", fresh.pk: "fresh", patient.pk: "fresh"}


def aged(store, hours: float) -> Proposal:
    """A proposal as if it had been made so long ago; what was reviewed is frozen, so only the owner can pretend."""
    proposal = make_proposal(store)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE memory_proposal SET created_at = now() - make_interval(secs => %s) WHERE id = %s",
            [hours * 3600, proposal.pk],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"SET ROLE {APP_ROLE}")
    return proposal


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "~",
        "nan~1",
        "inf~2",
        "1~-2",
        "1~" + "9" * 30,
        "' OR 1=1--",
        "1~٣",
        "2026-01-01~1",
        "9999-12-31T23:59:59-23:00~1",
    ],
)
@pytest.mark.parametrize("tab", ["open", "decided"])
def test_a_malformed_cursor_is_no_error(desk, store, after, tab):
    make_proposal(store)

    assert desk.get("/", {"after": after, "tab": tab}).status_code == 200


def test_the_decided_and_the_policy_tab_show_the_newest_decision_first(desk, store, rita):
    first, second, third = many(store, 3)
    approve(second, rita)
    decide(proposal_id=first.pk, decider=rita, ballot=Ballot("reject", first.digest, "Wrong."))

    assert shown(desk.get("/?tab=decided")) == [first.pk, second.pk]
    assert shown(desk.get("/?tab=policy")) == []
    assert shown(desk.get("/")) == [third.pk]


def test_what_changed_under_you_has_its_own_tab(desk, store, rita):
    taken, late = make_proposal(store, path="/a.md"), make_proposal(store, path="/a.md")
    approve(taken, rita)

    response = desk.get("/?tab=stale")

    assert shown(response) == [late.pk]
    assert "changed when" in response.content.decode()


def test_filters_narrow_by_store_agent_kind_and_flag(desk, store):
    other = make_store("airline", [make_agent("pilot")])
    plain = make_proposal(store, kind="workflow")
    flagged = make_proposal(other, content="See https://example.com/x")

    assert shown(desk.get("/?store=airline")) == [flagged.pk]
    assert shown(desk.get("/?agent=teller")) == [plain.pk]
    assert shown(desk.get("/?kind=workflow")) == [plain.pk]
    assert shown(desk.get("/?risk=link")) == [flagged.pk]
    assert shown(desk.get("/?risk=any")) == [flagged.pk]
    assert shown(desk.get("/?risk=none")) == [plain.pk]
    assert shown(desk.get("/?operation=create")) == [flagged.pk, plain.pk]
    assert shown(desk.get("/?operation=delete")) == []
    assert shown(desk.get("/?kind=bogus&tab=bogus&risk=bogus&age=bogus&sort=bogus")) == [flagged.pk, plain.pk]


def test_filters_go_along_to_the_proposal_and_back(desk, store):
    first, second = make_proposal(store, kind="workflow", benefit=2), make_proposal(store, kind="workflow", benefit=1)
    make_proposal(store, kind="preference", benefit=1.5)

    assert f"/proposals/{first.pk}/?kind=workflow" in desk.get("/?kind=workflow").content.decode()
    page = desk.get(f"/proposals/{first.pk}/?kind=workflow")
    assert page.context["place"].next == second.pk
    assert (page.context["place"].number, page.context["place"].total) == (1, 2)


def test_an_empty_queue_says_what_to_do_next(desk, rita):
    assert 'href="/dreams/"' in desk.get("/").content.decode()

    store = make_store()
    proposal = make_proposal(store)
    assert "Clear the filters" in desk.get("/?store=nowhere").content.decode()

    approve(proposal, rita)
    assert "Nothing needs you" in desk.get("/").content.decode()


def test_htmx_gets_the_part_and_a_link_the_page(desk, store):
    make_proposal(store)

    part = desk.get("/", headers={"HX-Request": "true", "HX-Target": "queue"})
    page = desk.get("/")

    assert "<html" not in part.content.decode()
    assert "<html" in page.content.decode()
    assert "HX-Request" in part["Vary"]
    assert "HX-Request" in page["Vary"]


def test_an_expired_login_sends_the_whole_page_to_the_login(client):
    response = client.get("/", headers={"HX-Request": "true"})

    assert response.status_code == 204
    assert response["HX-Redirect"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", ["/", "/?tab=others", "/?tab=decided", "/?tab=stale", "/?age=near&risk=none"])
def test_the_number_of_queries_does_not_grow_with_the_queue(desk, store, rita, address):
    def queries_with(count: int) -> int:
        for proposal in many(store, count):
            approve(proposal, rita)
        for proposal in many(store, count):
            snooze(proposal=proposal, user=rita, span="hour")
        Proposal.objects.filter(pk__in=[row.pk for row in many(store, count)]).update(status="stale")
        many(store, count)
        with CaptureQueriesContext(connection) as asked:
            desk.get(address)
        return len(asked)

    assert queries_with(1) == queries_with(5) <= 28


def test_counts_stop_at_a_limit(store, monkeypatch):
    monkeypatch.setattr(queues, "COUNT_LIMIT", 2)
    many(store, 4)

    assert queues.bounded_count(Proposal.objects.open()) == 2


def test_next_open_goes_on_and_then_round(store):
    high, mid, low = (make_proposal(store, benefit=benefit) for benefit in (3, 2, 1))

    assert queues.next_open(high, Filters()) == mid.pk
    assert queues.next_open(low, Filters()) == high.pk
