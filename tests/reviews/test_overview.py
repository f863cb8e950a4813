"""The overview: drawn from the rows that there are, with the same numbers in words and in a table."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from audit.actors import Actor
from dreaming.models import Dream, DreamPolicy, Finding
from dreaming.plots import Series, Span, line, stacked
from memory.models import Proposal
from memory.stopping import stop_store
from reviews import overview
from reviews.ballots import Ballot
from reviews.models import ReviewSettings, Seed
from reviews.overview import Period, next_run
from reviews.services import decide
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


def test_an_empty_desk_says_what_is_missing(client, aude):
    client.force_login(aude)
    html = client.get("/overview/").content.decode()
    for words in (
        "No session in this period",
        "Nothing waits",
        "Nothing was decided",
        "Nothing is live",
        "No store yet",
    ):
        assert words in html
    assert '<svg viewBox="0 0 100 100"' not in html


def test_sessions_are_counted_by_day_and_outcome_in_utc(store):
    agent = store.agents.get()
    today = datetime.now(UTC).replace(hour=0, minute=30)
    for outcome, days in (("success", 0), ("success", 1), ("failure", 1), ("unknown", 40)):
        make_session(agent, outcome=outcome, occurred_at=today - timedelta(days=days))

    signal = overview.signal(Period.of(7))

    plot = signal.plot
    assert len(plot.columns) == 7
    assert [column.values for column in plot.columns[-2:]] == [(1, 0, 1, 0), (1, 0, 0, 0)]
    assert plot.number == "3"
    assert plot.note == "sessions; 2 of 3 with an outcome succeeded (67 %)"
    assert [(bar.label, bar.part, bar.total) for bar in signal.stores] == [("claims", 3, 3)]
    assert overview.signal(Period.of(90)).plot.number == "4"
    assert overview.signal(Period.of(90)).stores[0].width == 75


def test_the_queue_is_counted_by_age_against_each_stores_target(store):
    ReviewSettings.objects.create(store=store, target_hours=1)
    slow = make_store("slow", [make_agent()])
    ReviewSettings.objects.create(store=slow, target_hours=500)
    for owner in (store, slow):
        made = make_proposal(owner)
        Proposal.objects.filter(pk=made.pk).update(status="expired")
        made.pk, made.created_at = None, datetime.now(UTC) - timedelta(days=2)
        made.save(force_insert=True)
    make_proposal(store)

    plot = overview.ageing()

    assert [column.values for column in plot.columns[:3]] == [(1, 0), (1, 1), (0, 0)]
    assert plot.number == "3"
    assert "1 of them past" in plot.note


def test_decisions_are_told_by_verdict_and_by_who_decided(store, rita):
    approve(make_proposal(store), rita)
    rejected = make_proposal(store)
    decide(proposal_id=rejected.pk, decider=rita, ballot=Ballot("reject", rejected.digest, "No."))

    plot = overview.decisions(Period.of(30))

    assert {series.name: series.total for series in plot.series} == {
        "approved by a person": 1, "approved with edits": 0, "let through by policy": 0, "rejected": 1,
    }  # fmt: skip
    assert "rejected" in plot.columns[-1].told


def test_live_memories_are_walked_back_from_today(store, rita):
    first = make_live_memory(store, rita)
    make_live_memory(store, rita)
    approve(make_proposal(store, operation="delete", path=first.path, base_version=first, content=""), rita)

    growth = overview.growth(Period.of(7))

    assert [column.values[0] for column in growth.memories.columns] == [0, 0, 0, 0, 0, 0, 1]
    assert [series.total for series in growth.revisions.series] == [2, 0, 1]
    assert growth.memories.number == "1"


def test_passes_show_last_next_cost_and_what_came_of_them(store, client, aude):
    dream = Dream.objects.create(store=store, status="completed", requested_by="x", cost="1.2345")
    Finding.objects.create(dream=dream, kind="workaround", title="a", claim_key="a", proposal=make_proposal(store))
    Finding.objects.create(dream=dream, kind="discarded", title="b", claim_key="b", discarded_reason="rare")
    item = make_proposal(store)
    Seed.objects.create(proposal=item, flaw="Turned.", planted_by="adam")
    Finding.objects.create(dream=dream, kind="workaround", title="c", claim_key="c", proposal=item)
    DreamPolicy.objects.create(store=store, schedule="daily")

    (row,) = overview.passes(Period.of(30))
    assert (row.last, row.number, row.proposed, row.left_out, str(row.cost)) == (dream, 1, 2, 1, "1.2345")
    assert row.next.hour == 2

    Proposal.objects.filter(pk=item.pk).update(status="expired")
    assert overview.passes(Period.of(30))[0].proposed == 1
    client.force_login(aude)
    assert "$1.23" in client.get("/overview/").content.decode()


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("off", None),
        ("hourly", datetime(2026, 11, 25, 15, tzinfo=UTC)),
        ("daily", datetime(2026, 11, 26, 2, tzinfo=UTC)),
        ("weekly", datetime(2026, 11, 30, 2, tzinfo=UTC)),
    ],
)
def test_the_next_pass_is_when_the_schedule_says(schedule, expected):
    assert next_run(schedule, datetime(2026, 11, 25, 14, 7, tzinfo=UTC)) == expected


def test_a_stopped_store_is_called_so_with_what_agents_get(client, aude, store, rita):
    make_live_memory(store, rita)
    make_live_memory(store, rita)
    stop_store(store_id=store.pk, actor=Actor.user(rita), reason="It went wrong.", served_revision=1)
    client.force_login(aude)

    text = re.sub(r"<[^>]+>", " ", client.get("/overview/").content.decode())

    assert "stopped" in text
    assert re.search(r"r1\s+of r2", text)
    assert "It went wrong." in text


def test_every_drawn_value_stands_in_the_table_and_the_chart_has_a_name(client, aude, store):
    make_session(store.agents.get(), outcome="success")
    client.force_login(aude)

    html = client.get("/overview/?days=7").content.decode()

    assert 'role="img" aria-label="Sessions and how they ended' in html
    table = re.search(r"(?s)<table>.*?</table>", html).group()
    assert table.count("<tr>") == 8
    assert "style=" not in html


def test_the_period_can_be_switched_and_swapped_alone(client, aude, store):
    client.force_login(aude)
    assert client.get("/overview/?days=90", headers={"HX-Request": "true"}).content.decode().count("<html") == 0
    assert client.get("/overview/?days=12").context["days"] == 30


def test_the_number_of_queries_does_not_grow(client, aude, rita, django_assert_max_num_queries):
    for _ in range(12):
        store = make_store(agents=[make_agent(), make_agent()])
        make_live_memory(store, rita)
        Dream.objects.create(store=store, status="completed", requested_by="x")
    client.force_login(aude)
    with django_assert_max_num_queries(24):
        client.get("/overview/")


def test_columns_stack_to_the_highest_and_name_themselves():
    plot = stacked("T", ["a", "b"], [Series("x", "live", (1, 0)), Series("y", "bad", (3, 0))], number="4", note="")
    assert [(part.y, part.height) for part in plot.columns[0].parts] == [(75.0, 25.0), (0.0, 75.0)]
    assert plot.columns[1].parts == ()
    assert plot.columns[1].told == "b: none"


def test_a_line_reaches_the_top_where_it_is_highest():
    assert line("T", ["a", "b"], Series("x", "live", (0, 5)), number="5", note="").points == "25.00,98.00 75.00,2.00"


def test_ninety_days_are_whole_weeks_that_begin_on_mondays():
    span = Span.of(90, date(2026, 11, 25))
    assert {start.weekday() for start in span.starts} == {0}
    assert span.starts[-1] == date(2026, 11, 23)
    assert len(Span.of(30, date(2026, 11, 25)).starts) == 30
