"""The list of sessions: found by what they are and by what was said in them, a page at a time."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client

from sessions import lookup
from sessions.filters import Filters
from sessions.indexing import index_sessions
from sessions.models import Event, Session, UnindexedSession
from tests.factories import make_agent

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True, params=[400, 1], ids=["few sessions", "many"])
def how_far_it_looks_first(request, monkeypatch):
    """With many sessions the index is asked; a few it looks into."""
    monkeypatch.setattr(lookup, "CHECKED_AT_ONCE", request.param)


@pytest.fixture
def desk(client: Client, aude) -> Client:
    client.force_login(aude)
    return client


@pytest.fixture
def agent():
    return make_agent("teller")


def run(agent, name: str, *events: dict, indexed: bool = True, days: int = 0, **fields) -> Session:
    session = Session.objects.create(
        agent=agent,
        external_id=name,
        occurred_at=fields.pop("occurred_at", DAY + timedelta(days=days)),
        event_count=len(events),
        sha256="0" * 64,
        **fields,
    )
    Event.objects.bulk_create(
        Event(session=session, seq=seq, **{"type": "message", **event}) for seq, event in enumerate(events)
    )
    if indexed:
        index_sessions([session.pk])
    return session


def names(desk: Client, query: str = "") -> list[str]:
    response = desk.get(f"/sessions/?{query}")
    assert response.status_code == 200
    return [session.external_id for session, _ in response.context["rows"]]


@pytest.fixture
def three(agent):
    bash = {"type": "tool_call", "tool": "bash", "input": '{"command":"post\\nledger"}'}
    failed = {"type": "tool_result", "tool": "bash", "output": "Error: ledger is locked until noon", "is_error": True}
    fine = {"type": "tool_result", "tool": "bash", "output": "ledger is open"}
    run(agent, "failed", bash, failed, days=1, outcome="failure", principal="rita@example.org", task="Close March")
    run(agent, "fine", bash, fine, days=2, outcome="success", principal="omar", task="Close April", task_id="T-9")
    run(make_agent("clerk"), "other", {"type": "error", "text": "disk full"}, days=3, outcome="failure")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["other", "fine", "failed"]),
        ("order=oldest", ["failed", "fine", "other"]),
        ("agent=clerk", ["other"]),
        ("agent=nobody", []),
        ("outcome=failure", ["other", "failed"]),
        ("outcome=failure&agent=teller", ["failed"]),
        ("outcome=nonsense", ["other", "fine", "failed"]),
        ("from=2026-03-03", ["other", "fine"]),
        ("to=2026-03-03", ["fine", "failed"]),
        ("from=2026-03-03&to=2026-03-03", ["fine"]),
        ("from=2026-02-31&to=9999-12-31", ["other", "fine", "failed"]),
        ("tool=bash", ["fine", "failed"]),
        ("tool=bash&errors=any", ["failed"]),
        ("errors=any", ["other", "failed"]),
        ("error=locked", ["failed"]),
        ("error=open", []),
        ("error=full", ["other"]),
        ("principal=rita", ["failed"]),
        ("principal=rita%40example.org", ["failed"]),
        ("principal=march", []),
        ("task=close", ["fine", "failed"]),
        ("task=T-9", ["fine"]),
        ("q=ledger", ["fine", "failed"]),
        ("q=ledger+locked", ["failed"]),
        ("q=%22is+locked%22", ["failed"]),
        ("q=%22locked+is%22", []),
        ("q=lock*", ["failed"]),
        ("q=lock", []),
        ("q=open+or+full", ["other", "fine"]),
        ("q=ledger+-locked", ["fine"]),
        ("q=rita", ["failed"]),
        ("q=ledger&agent=clerk", []),
        ("q=ledger&outcome=success&tool=bash", ["fine"]),
        ("q=post&error=locked", ["failed"]),
        ("q=absent", []),
        ("error=ledger+-noon", []),
        ("error=ledger+-midnight", ["failed"]),
        ("error=%22is+locked%22+-%22until+noon%22", []),
        ("q=main.py", []),
    ],
)
def test_each_filter_narrows_the_list_and_they_go_together(desk, three, query, found):
    assert names(desk, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "q=%22open", "q=!!!", "q=%27", "q=a%5C", "q=%26%7C!%28%29%3A*", "q=-only", "q=" + "x+" * 300, "q=%F0%9F%92%A9",
        "error=%22", "tool=%27%3B--", "task=%E2%80%AE", "after=x", "before=x~1", "after=2026-03-01T12:00:00~99999999999999999999",
        "after=0001-01-01T00:00:00%2B14:00~1", "from=x&to=0000-00-00", "q=" + "%22a+b%22" * 50,
    ],
)  # fmt: skip
def test_no_address_is_an_error(desk, three, query):
    assert desk.get(f"/sessions/?{query}").status_code == 200


def test_a_result_leads_to_the_event_that_matched_with_the_match_marked(desk, three):
    html = desk.get("/sessions/?q=locked+ledger").content.decode()

    session = Session.objects.get(external_id="failed")
    assert f'href="/sessions/{session.pk}/?at=1&amp;q=locked%20ledger#e1"' in html
    assert "<mark>ledger</mark> is <mark>locked</mark>" in html
    page = desk.get(f"/sessions/{session.pk}/?at=1&q=locked%20ledger").content.decode()
    assert "<mark>ledger</mark> is <mark>locked</mark>" in page


@pytest.mark.parametrize(
    ("query", "seq"), [("errors=any", 1), ("error=locked", 1), ("tool=bash", 0), ("tool=bash&errors=any", 1)]
)
def test_other_filters_lead_to_the_first_event_that_meets_them(desk, three, query, seq):
    rows = {session.external_id: hit for session, hit in desk.get(f"/sessions/?{query}").context["rows"]}
    assert rows["failed"].seq == seq


def test_what_is_said_about_a_session_is_found_too_and_leads_to_its_start(desk, three):
    response = desk.get("/sessions/?q=april")
    ((session, hit),) = response.context["rows"]

    assert (session.external_id, hit.seq) == ("fine", None)
    assert f'href="/sessions/{session.pk}/"' in response.content.decode()
    assert "<mark>April</mark>" in response.content.decode()


def test_a_match_deep_in_a_long_text_is_shown_with_what_stands_about_it(desk, agent):
    run(agent, "long", {"text": "x " * 200_000 + "THE NEEDLE here" + " y" * 200_000})
    html = desk.get("/sessions/?q=needle").content.decode()

    assert "THE <mark>NEEDLE</mark> here" in html
    assert len(html) < 20_000
    session = Session.objects.get()
    assert "<mark>NEEDLE</mark>" in desk.get(f"/sessions/{session.pk}/?at=0&q=needle").content.decode()


@pytest.mark.parametrize("query", ["", "order=oldest", "tool=bash", "q=word", "q=word&agent=teller", "outcome=success"])
def test_pages_forward_show_every_session_once_and_lead_back(desk, agent, query, monkeypatch):
    monkeypatch.setattr(lookup, "PAGE_SIZE", 3)
    for number in range(8):  # three at the same moment each, so that time alone is no order
        run(agent, f"run-{number}", {"tool": "bash", "text": "a word"}, days=number // 3, outcome="success")

    pages, after = [], ""
    while after or not pages:
        response = desk.get(f"/sessions/?{query}&after={after}")
        pages.append([session.external_id for session, _ in response.context["rows"]])
        after = response.context["page"].after
    assert [len(page) for page in pages] == [3, 3, 2]
    assert len({name for page in pages for name in page}) == 8

    back, before = [pages[-1]], response.context["page"].before
    while before:
        response = desk.get(f"/sessions/?{query}&before={before}")
        back.append([session.external_id for session, _ in response.context["rows"]])
        before = response.context["page"].before
    assert back[::-1] == pages


def test_the_first_page_says_how_many_match_and_none_when_all_are_listed(desk, three):
    assert "2 sessions match." in desk.get("/sessions/?q=ledger").content.decode()
    assert "match." not in desk.get("/sessions/").content.decode()


def test_what_is_not_indexed_yet_is_listed_and_said(desk, agent):
    session = run(agent, "new", {"text": "a word"}, indexed=False)
    UnindexedSession.objects.create(session=session)

    assert names(desk) == ["new"]
    html = desk.get("/sessions/?q=word").content.decode()
    assert "1</span>" in html or "1 still being indexed" in " ".join(html.split())
    assert "still being indexed" in html


@pytest.mark.parametrize(
    ("query", "says"),
    [("", "manage.py import_sessions"), ("q=absent", "Take a filter away"), ("q=!!!", "Nothing to look for")],
)
def test_an_empty_list_says_what_to_do(desk, query, says):
    assert says in desk.get(f"/sessions/?{query}").content.decode()


def test_filters_stand_in_the_form_and_in_the_address_of_the_next_page(desk, agent, monkeypatch):
    monkeypatch.setattr(lookup, "PAGE_SIZE", 1)
    for number in range(2):
        run(agent, f"run-{number}", {"text": "a <word>", "tool": "bash"}, principal="rita")
    query = "q=a+%22word%22&agent=teller&tool=bash&principal=rita&from=2026-01-01&to=2026-12-31"
    response = desk.get(f"/sessions/?{query}")
    html = response.content.decode()

    assert 'value="a &quot;word&quot;"' in html
    assert "<option selected>teller</option>" in html
    href = html.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    asked = dict(parse_qsl(urlsplit(href).query))
    assert asked.pop("after")
    assert asked == dict(parse_qsl(query))
    assert Filters.read(asked) == Filters.read(dict(parse_qsl(query)))


def test_the_page_and_its_part_and_a_page_costs_the_same_for_one_row_and_for_all(
    desk, agent, django_assert_num_queries
):
    run(agent, "run-0", {"text": "a word", "tool": "bash"})
    desk.get("/sessions/?q=word")
    counts = []
    for _ in range(2):
        with django_assert_num_queries(20, exact=False) as captured:
            response = desk.get("/sessions/?q=word")
        counts.append(len(captured))
        for number in range(1, 20):
            run(agent, f"run-{number}-{len(counts)}", {"text": "a word", "tool": "bash"})
    part = desk.get("/sessions/?q=word", headers={"HX-Request": "true", "HX-Target": "sessions"})

    assert counts[0] == counts[1]
    assert len(response.context["rows"]) == 20
    assert "<html" not in part.content.decode()


def test_hostile_text_is_inert_in_the_list(desk, agent):
    hostile = "<script>alert(1)</script> word \u202etxt \x1b[31m ![i](data:image/png;base64,xx)"
    run(agent, hostile[:200], {"text": hostile, "tool": hostile}, task=hostile, principal=hostile, task_id=hostile)
    html = desk.get("/sessions/?q=word").content.decode()

    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "<img" not in html


def test_words_in_a_row_are_looked_for_a_bounded_number_at_a_time_and_it_says_how_far_it_came(desk, agent, monkeypatch):
    monkeypatch.setattr(lookup, "MAX_CHECKED", 4)
    monkeypatch.setattr(lookup, "CHECKED_AT_ONCE", 2)
    run(agent, "wanted", {"text": "the locked ledger"})
    for number in range(6):
        run(agent, f"run-{number}", {"text": "the ledger is locked"}, days=number + 1)

    first = desk.get("/sessions/?q=%22locked+ledger%22")
    assert not first.context["rows"]
    assert "Search on from there" in first.content.decode()
    assert names(desk, f"q=%22locked+ledger%22&after={first.context['page'].after}") == ["wanted"]


@pytest.mark.parametrize("query", ["q=%22a+word%22", "q=%22a+word%22&order=oldest"])
def test_pages_of_words_in_a_row_go_on_where_the_last_one_ended(desk, agent, query, monkeypatch):
    monkeypatch.setattr(lookup, "PAGE_SIZE", 2)
    for number in range(5):
        run(agent, f"run-{number}", {"text": "a word"}, days=number)
        run(agent, f"not-{number}", {"text": "word a"}, days=number)

    seen, after = [], ""
    while after or not seen:
        response = desk.get(f"/sessions/?{query}&after={after}")
        seen.append([session.external_id for session, _ in response.context["rows"]])
        after = response.context["page"].after
    back = names(desk, f"{query}&before={response.context['page'].before}")

    assert sorted(name for page in seen for name in page) == [f"run-{number}" for number in range(5)]
    assert back == seen[-2]


def test_an_address_with_nul_is_refused_and_no_error(desk):
    assert desk.get("/sessions/?q=a%00b").status_code == 400
