"""One session as a timeline: pages by seq, folded calls, quotes marked, long texts clipped."""

import pytest
from django.test import Client
from django.utils import timezone

from memory.models import MemoryRead
from memory.services import QuoteDraft
from sessions import timeline
from sessions.indexing import index_sessions
from sessions.models import Event, Session
from tests.factories import make_agent, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def desk(client: Client, aude) -> Client:
    client.force_login(aude)
    return client


def run_of(agent, *events: dict) -> Session:
    session = Session.objects.create(
        agent=agent, external_id="run", occurred_at=timezone.now(), event_count=len(events), sha256="0" * 64
    )
    Event.objects.bulk_create(Event(session=session, seq=seq, **event) for seq, event in enumerate(events))
    return session


def seqs(response) -> list[int]:
    return [event.seq for step in response.context["steps"] for event in (step.event, *step.results)]


def test_pages_by_seq_show_every_event_once(desk, agent, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 4)
    session = make_session(agent, [f"line {number}" for number in range(10)])
    seen, address = [], f"/sessions/{session.pk}/"
    while address:
        response = desk.get(address)
        seen += seqs(response)
        address = f"/sessions/{session.pk}/?after={response.context['last']}" if response.context["has_later"] else ""

    assert seen == list(range(10))
    earlier = desk.get(f"/sessions/{session.pk}/?before=8")
    assert seqs(earlier) == [4, 5, 6, 7]
    assert earlier.context["has_earlier"]


def test_a_link_to_an_event_opens_the_page_that_holds_it(desk, agent, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 6)
    monkeypatch.setattr(timeline, "LEAD_IN", 2)
    session = make_session(agent, [f"line {number}" for number in range(50)])

    response = desk.get(f"/sessions/{session.pk}/?at=30")

    assert seqs(response) == [28, 29, 30, 31, 32, 33]
    assert '<li class="event is-tool_result on" id="e30">' in response.content.decode()


@pytest.mark.parametrize("query", ["at=x", "at=-1", "after=9" + "9" * 30, "before=", "quote=x", "at=999999", "at=٣"])
def test_odd_addresses_are_no_error(desk, agent, query):
    assert desk.get(f"/sessions/{make_session(agent).pk}/?{query}").status_code == 200


def test_results_are_folded_under_their_calls(desk, agent):
    session = run_of(
        agent,
        {"type": "tool_call", "tool": "a", "call_id": "1", "input": "{}"},
        {"type": "tool_call", "tool": "b", "call_id": "2", "input": "{}"},
        {"type": "tool_result", "tool": "a", "call_id": "1", "output": "Error: no", "is_error": True},
        {"type": "tool_result", "tool": "b", "call_id": "2", "output": "ok"},
        {"type": "tool_call", "tool": "c", "input": "{}"},
        {"type": "tool_result", "tool": "c", "output": "ok"},
        {"type": "tool_result", "tool": "d", "output": "nobody called me"},
    )

    steps = desk.get(f"/sessions/{session.pk}/").context["steps"]

    assert [(step.event.seq, [result.seq for result in step.results], step.failed) for step in steps] == [
        (0, [2], True),
        (1, [3], False),
        (4, [5], False),
        (6, [], False),
    ]


def test_a_quote_is_marked_and_its_event_says_who_cites_it(desk, agent):
    store = make_store("claims", [agent])
    session = make_session(agent, ["first", "the ledger is locked until noon"])
    proposal = make_proposal(store, session, evidence=[QuoteDraft(session.pk, 1, "ledger is locked", "supports")])

    html = desk.get(f"/sessions/{session.pk}/?at=1&quote={proposal.evidence.get().pk}").content.decode()

    assert "<mark>ledger is locked</mark>" in html
    assert f"cited by {proposal.public_id}" in html
    assert proposal.title in html


def test_a_long_text_is_clipped_and_can_be_had_whole(desk, agent):
    text = "a" * 3_000 + "b" * 5_000 + "THE END"
    session = make_session(agent, [text])
    page = desk.get(f"/sessions/{session.pk}/").content.decode()
    whole = f"/sessions/{session.pk}/events/0/"

    assert "THE END" not in page
    assert whole in page
    assert "THE END" in desk.get(whole).content.decode()
    assert "<html" in desk.get(whole).content.decode()
    assert "<html" not in desk.get(whole, headers={"HX-Request": "true"}).content.decode()


def test_a_quote_deep_in_a_long_text_is_shown_where_it_stands(desk, agent):
    session = make_session(agent, ["x" * 50_000 + "THE QUOTE" + "y" * 50_000])
    proposal = make_proposal(
        make_store("claims", [agent]), session, evidence=[QuoteDraft(session.pk, 0, "THE QUOTE", "supports")]
    )

    html = desk.get(f"/sessions/{session.pk}/?at=0&quote={proposal.evidence.get().pk}").content.decode()

    assert "<mark>THE QUOTE</mark>" in html
    assert len(html) < 20_000


def test_ten_thousand_events_and_a_megabyte_cost_as_little_as_one(desk, agent, django_assert_max_num_queries):
    session = make_session(agent, ["x" * 1_000_000, *["short"] * 9_999])

    with django_assert_max_num_queries(15):
        response = desk.get(f"/sessions/{session.pk}/")

    assert len(seqs(response)) == timeline.PAGE_SIZE
    assert len(response.content) < 400_000


def test_it_says_what_memory_the_session_was_served_and_leads_to_it_as_it_was(desk, agent):
    session = make_session(agent)
    store = make_store("claims", [agent])
    MemoryRead.objects.create(agent=agent, session_external_id=session.external_id, store=store, revision=7)
    MemoryRead.objects.create(agent=agent, session_external_id="another", store=store, revision=8)
    html = desk.get(f"/sessions/{session.pk}/").content.decode()

    assert '<a class="chip live" href="/stores/claims/at/?revision=7">claims r7</a>' in html
    assert "claims r8" not in html


def test_it_says_who_cites_it_with_which_stance_and_leads_to_both(desk, agent):
    session = make_session(agent, ["the ledger is locked", "the ledger is open"])
    quotes = [QuoteDraft(session.pk, 0, "is locked", "supports"), QuoteDraft(session.pk, 1, "is open", "contradicts")]
    proposal = make_proposal(make_store("claims", [agent]), session, evidence=quotes)
    html = desk.get(f"/sessions/{session.pk}/").content.decode()

    cited = html.split('id="cited-title"')[1].split("</section>")[0]
    for row in proposal.evidence.all():
        assert f'href="?at={row.seq}&amp;quote={row.pk}#e{row.seq}"' in cited
    assert "event 0 supports" in cited
    assert "event 1 contradicts" in cited
    assert cited.count(f'href="/proposals/{proposal.pk}/"') == 1


def walk_of(response, name: str) -> tuple:
    walk = response.context[name]
    return walk.count, walk.at, walk.previous, walk.next, walk.before, walk.beyond


def test_errors_are_counted_and_lead_from_one_to_the_next_over_the_edges_of_pages(desk, agent, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 3)
    monkeypatch.setattr(timeline, "LEAD_IN", 1)
    failing = {1: {"is_error": True}, 4: {"type": "error"}, 8: {"is_error": True}}
    session = run_of(agent, *({"type": "tool_result", "output": "x", **failing.get(seq, {})} for seq in range(10)))

    assert walk_of(desk.get(f"/sessions/{session.pk}/"), "errors") == (3, None, None, 1, None, 4)
    assert walk_of(desk.get(f"/sessions/{session.pk}/?at=4"), "errors") == (3, 2, 1, 8, 1, 8)
    assert walk_of(desk.get(f"/sessions/{session.pk}/?after=8"), "errors") == (3, None, 8, None, 8, None)


@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_looked_for_in_a_session_is_found_marked_and_unfolded(desk, agent, indexed):
    session = run_of(
        agent,
        {"type": "message", "text": "the ledger"},
        {"type": "tool_call", "tool": "a", "call_id": "1", "input": '{"q":"ledger\\nlocked"}'},
        {"type": "tool_result", "tool": "a", "call_id": "1", "output": "ok"},
        {"type": "message", "text": "Locked: the LEDGER."},
    )
    if indexed:
        index_sessions([session.pk])
    response = desk.get(f"/sessions/{session.pk}/?q=ledger+locked")
    html = response.content.decode()

    assert walk_of(response, "found") == (2, None, None, 1, None, None)
    assert [step.event.is_open for step in response.context["steps"]] == [False, True, True]
    assert "<mark>Locked</mark>: the <mark>LEDGER</mark>." in html
    assert "the <mark>ledger</mark>" not in html
    assert "No event matches" in desk.get(f"/sessions/{session.pk}/?q=absent").content.decode()


def test_looking_for_something_goes_with_the_reader_from_page_to_page(desk, agent, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 3)
    monkeypatch.setattr(timeline, "LEAD_IN", 1)
    session = make_session(agent, ["a b"] * 9)
    html = desk.get(f"/sessions/{session.pk}/?q=%22a+b%22&at=4").content.decode()

    assert 'href="?at=5&amp;q=%22a+b%22#e5"' in html
    assert "&amp;q=%22a+b%22" in html.split('class="pager"')[1]


@pytest.mark.parametrize("query", ["q=%22", "q=!!!", "q=-a", "q=" + "a+" * 400, "q=%E2%80%AE%1B"])
def test_odd_searches_in_a_session_are_no_error(desk, agent, query):
    assert desk.get(f"/sessions/{make_session(agent).pk}/?{query}").status_code == 200


def test_unknown_sessions_and_events_are_not_found(desk, agent):
    assert desk.get("/sessions/999/").status_code == 404
    assert desk.get(f"/sessions/{make_session(agent).pk}/events/99/").status_code == 404
