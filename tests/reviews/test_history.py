"""What an agent believed then, why, and who allowed it: stores at a moment, lines of a memory, and whom a version reached."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from audit.actors import Actor
from memory.agents import save_agent_settings
from memory.models import MemoryRead, MemoryVersion, Proposal
from memory.services import attach_agents
from memory.stopping import resume_store, stop_store
from reviews import attribution, moment_views, reach
from reviews.ballots import Ballot, Edit
from reviews.services import decide
from reviews.templatetags.desk import proposed_by
from sessions.services import issue_key
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")


@pytest.fixture
def desk(client: Client, aude) -> Client:
    client.force_login(aude)
    return client


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent):
    return make_store("claims", [agent])


def change(version: MemoryVersion, by, **fields) -> MemoryVersion:
    draft = {"operation": "update", "path": version.path, "base_version": version, **fields}
    return approve(make_proposal(version.store, **draft), by).version


@pytest.fixture
def story(store, rita, ruth) -> list[MemoryVersion]:
    """r1 and r2 create, r3 changes, r4 renames, r5 deletes."""
    first = make_live_memory(store, rita, path="/a.md", content="One.\nTwo.\nThree.")
    second = make_live_memory(store, rita, path="/b.md", content="Bee.")
    third = change(first, ruth, content="One.\nTwo or more.\nThree.")
    fourth = change(third, rita, operation="rename", new_path="/c.md", content=third.content)
    fifth = change(second, rita, operation="delete", content="")
    return [first, second, third, fourth, fifth]


@pytest.fixture
def ask(agent):
    """The agent's read for a session, as over HTTP."""
    _, secret = issue_key(agent=agent, scopes=["read"], issued_by=ADAM)

    def read(session: str, tag: str = "", **part: str | int):
        headers = {"Authorization": f"Bearer {secret}"} | ({"If-None-Match": tag} if tag else {})
        return Client().get("/api/v1/agents/teller/memory", {"session": session, **part}, headers=headers)

    return read


def text_of(response) -> str:
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def held(response) -> list[tuple[str, int]]:
    assert response.status_code == 200
    return [(version.path, version.revision) for version in response.context["page"].rows]


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        (0, []),
        (1, [("/a.md", 1)]),
        (2, [("/a.md", 1), ("/b.md", 2)]),
        (3, [("/a.md", 3), ("/b.md", 2)]),
        (4, [("/b.md", 2), ("/c.md", 4)]),
        (5, [("/c.md", 4)]),
    ],
)
def test_a_store_is_shown_as_it_was_at_any_revision(desk, story, revision, expected):
    assert held(desk.get(f"/stores/claims/at/?revision={revision}")) == expected


def test_it_says_which_decision_made_the_revision_and_when_it_ended(desk, story):
    shown = text_of(desk.get("/stores/claims/at/?revision=3"))
    assert "r3 modified /a.md : approved by ruth" in shown
    assert "when r4 modified /c.md" in shown
    assert "Two or more." in shown
    assert "It is the newest revision." in text_of(desk.get("/stores/claims/at/"))
    assert "Nothing had been published yet." in text_of(desk.get("/stores/claims/at/?revision=0"))


@pytest.mark.parametrize("query", ["revision=6", "revision=x", "revision=-1", "at=soon", "at=2999-01-01", "at=%2B"])
def test_a_moment_that_never_was_is_said_and_now_is_shown(desk, story, query):
    response = desk.get(f"/stores/claims/at/?{query}")
    assert held(response) == [("/c.md", 4)]
    assert "This is how it stands now." in text_of(response)


def test_a_time_finds_the_revision_of_that_moment(desk, story):
    third, fourth = story[2], story[3]
    between = third.created_at + (fourth.created_at - third.created_at) / 2
    for text in (between.isoformat(), between.replace(tzinfo=None).isoformat()):
        response = desk.get("/stores/claims/at/", {"at": text})
        assert response.context["moment"].revision == 3
    assert desk.get(f"/stores/claims/at/?at={between.isoformat()}").context["moment"].revision == 3
    at_once = desk.get("/stores/claims/at/", {"at": fourth.created_at.isoformat()})
    assert at_once.context["moment"].revision == 4
    before = desk.get("/stores/claims/at/", {"at": (story[0].created_at - timedelta(days=1)).isoformat()})
    assert held(before) == []


def test_while_it_was_stopped_a_moment_shows_what_agents_were_served(desk, store, story):
    moments: list[datetime] = []

    def note() -> None:
        moments.append(timezone.now())

    note()
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.")
    note()
    stop_store(store_id=store.pk, actor=ADAM, reason="Very wrong.", served_revision=2)
    note()
    resume_store(store_id=store.pk, actor=ADAM, reason="Mended.")
    note()

    found = [desk.get("/stores/claims/at/", {"at": at.isoformat()}) for at in moments]
    assert [response.context["moment"].revision for response in found] == [5, 5, 2, 5]
    assert [response.context["moment"].published for response in found] == [5, 5, 5, 5]
    assert "Agents were served r2; published was r5" in text_of(found[2])
    assert "Publishing was stopped then, by adam" in text_of(found[1])
    assert "stopped then" not in text_of(found[3])


def test_a_long_store_is_shown_a_page_at_a_time_in_order_of_paths(desk, store, rita, monkeypatch):
    monkeypatch.setattr(moment_views, "PAGE", 2)
    paths = ["/b.md", "/a.md", "/B-1.md", "/a/c.md", "/d.md"]
    for path in paths:
        make_live_memory(store, rita, path=path)
    pages, after = [], ""
    while True:
        response = desk.get("/stores/claims/at/", {"revision": 5, "after": after})
        pages.append([path for path, _ in held(response)])
        if not (after := response.context["page"].after):
            break
    assert sorted(path for page in pages for path in page) == sorted(paths)
    assert [len(page) for page in pages] == [2, 2, 1]
    back = desk.get("/stores/claims/at/", {"revision": 5, "before": response.context["page"].before})
    assert [path for path, _ in held(back)] == pages[1]


def changes(response) -> list[tuple[str, str]]:
    assert response.status_code == 200
    return [(change.kind, change.path) for change in response.context["changes"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=0&to=5", [("created", "/c.md")]),
        ("from=2&to=3", [("modified", "/a.md")]),
        ("from=2&to=5", [("deleted", "/b.md"), ("renamed", "/c.md")]),
        ("from=5&to=2", [("renamed", "/a.md"), ("created", "/b.md")]),
        ("from=3&to=3", []),
        ("", [("deleted", "/b.md")]),
        ("to=1", [("created", "/a.md")]),
        ("from=99&to=x", []),
    ],
)
def test_two_moments_of_a_store_are_compared(desk, story, query, expected):
    assert changes(desk.get(f"/stores/claims/changes/?{query}")) == expected


def test_a_comparison_shows_words_and_every_decision_in_between(desk, story):
    response = desk.get("/stores/claims/changes/?from=1&to=4")
    html = response.content.decode()
    assert "Two<ins> or more</ins>." in html
    renamed = response.context["changes"][-1]
    assert [step.revision for step in renamed.between] == [4, 3]
    assert "1 created, 1 renamed" in text_of(response)
    assert "approved by ruth" in text_of(response)


def test_two_times_are_compared_as_agents_were_served(desk, store, story):
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=2)
    stopped = MemoryVersion.objects.get(revision=5).created_at
    response = desk.get("/stores/claims/changes/", {"from_at": stopped.isoformat(), "to": ""})
    assert (response.context["first"].revision, response.context["second"].revision) == (5, 2)
    assert changes(response) == [("renamed", "/a.md"), ("created", "/b.md")]


def test_many_changes_come_a_page_at_a_time(desk, store, rita, monkeypatch):
    monkeypatch.setattr(moment_views, "CHANGES", 2)
    for number in range(5):
        make_live_memory(store, rita, path=f"/{number}.md")
    starts = [0, 2, 4]
    shown = [changes(desk.get(f"/stores/claims/changes/?from=0&to=5&start={start}")) for start in starts]
    assert [path for page in shown for _, path in page] == [f"/{number}.md" for number in range(5)]
    assert desk.get("/stores/claims/changes/?from=0&to=5&start=4").context["next_start"] is None


def lines(response) -> list[tuple[str, int]]:
    assert response.status_code == 200
    return [(line, part.version.revision) for part in response.context["stretches"] for line in part.lines]


def test_each_line_of_a_memory_says_since_when_by_whom_and_on_what(desk, story):
    first = story[0]
    response = desk.get(f"/memories/{first.memory_id}/blame/")
    assert lines(response) == [("One.", 1), ("Two or more.", 3), ("Three.", 1)]

    shown, html = text_of(response), response.content.decode()
    assert "approved by ruth" in shown
    assert "proposed by dream" in shown
    quote = first.decision.proposal.evidence.get()
    assert f"/sessions/{quote.session_id}/?at=0&amp;quote={quote.pk}#e0" in html
    assert lines(desk.get(f"/memories/{first.memory_id}/blame/?revision=2")) == [
        ("One.", 1),
        ("Two.", 1),
        ("Three.", 1),
    ]


def test_of_a_deleted_memory_the_last_text_is_attributed(desk, story):
    response = desk.get(f"/memories/{story[1].memory_id}/blame/")
    assert lines(response) == [("Bee.", 2)]
    assert "It was deleted then; this is its last text." in text_of(response)
    assert "It was not there yet" in text_of(desk.get(f"/memories/{story[1].memory_id}/blame/?revision=1"))


def test_a_line_that_the_decider_wrote_is_not_put_down_to_the_proposer(desk, store, rita):
    proposal = make_proposal(store, path="/a.md", content="Wait for the close.\nPost again.", source="dream")
    edit = Edit("Wait for the close.\nThen ask the desk.", "/a.md")
    ballot = Ballot("approve_with_edits", proposal.digest, "Nearly.", edit)
    version = decide(proposal_id=proposal.pk, decider=rita, ballot=ballot).version

    response = desk.get(f"/memories/{version.memory_id}/blame/")
    assert [(part.lines, part.by_editor) for part in response.context["stretches"]] == [
        (["Wait for the close."], False),
        (["Then ask the desk."], True),
    ]
    assert "worded by rita" in text_of(response)


@pytest.mark.parametrize(
    ("source_ref", "expected"),
    [
        ("dream:12", '<a href="/dreams/12/">dream 12</a>'),
        ("dream:x", "&lt;i&gt;Ann"),
        ("revert:3", "&lt;i&gt;Ann"),
        ("", "&lt;i&gt;Ann"),
    ],
)
def test_who_proposed_it_is_the_dream_where_one_did(source_ref, expected):
    assert expected in proposed_by(Proposal(source_ref=source_ref, proposer="<i>Ann"))


def test_of_a_very_long_history_the_oldest_looked_at_is_named_as_such(desk, store, rita, monkeypatch):
    monkeypatch.setattr(attribution, "MAX_VERSIONS", 2)
    monkeypatch.setattr(attribution, "BATCH", 1)
    version = make_live_memory(store, rita, path="/a.md", content="Old.")
    for number in range(3):
        version = change(version, rita, content=f"Old.\nNew {number}.")
    response = desk.get(f"/memories/{version.memory_id}/blame/")
    assert lines(response) == [("Old.", 3), ("New 2.", 4)]
    assert [part.or_older for part in response.context["stretches"]] == [True, False]
    assert "r3 or before" in text_of(response)


def test_what_a_memory_says_is_shown_as_text_everywhere(desk, store, rita):
    hostile = "<script>alert(1)</script>\n\u202egnp"
    version = make_live_memory(store, rita, path="/a.md", content=hostile)
    pages = [
        "/stores/claims/at/",
        "/stores/claims/changes/",
        f"/memories/{version.memory_id}/blame/",
        f"/memories/{version.memory_id}/versions/1/",
        f"/memories/{version.memory_id}/",
    ]
    for address in pages:
        html = desk.get(address).content.decode()
        assert "<script>alert" not in html, address
        assert "&lt;script&gt;alert(1)" in html, address
        assert "\u202e" not in html, address


def test_a_session_shows_exactly_the_versions_that_it_was_served(desk, agent, store, rita, ask):
    first = make_live_memory(store, rita, path="/a.md", content="One.")
    session = make_session(agent, external_id="run-1")
    ask("run-1")
    second = change(first, rita, content="Two.")
    make_live_memory(store, rita, path="/b.md")
    ask("run-1")

    reads = desk.get(f"/sessions/{session.pk}/memory/").context["reads"]
    assert [(read.revision, read.count, read.gone) for read in reads] == [(1, 1, 0), (3, 2, 1)]
    assert [version.pk for version in reads[0].shown] == [first.pk]
    assert {version.pk for version in reads[1].shown} >= {second.pk}
    assert f"/sessions/{session.pk}/memory/" in desk.get(f"/sessions/{session.pk}/").content.decode()


def test_a_session_that_read_a_part_is_shown_with_those_entries_and_no_other(desk, agent, store, rita, ask):
    for path in ("/a.md", "/tools/b.md", "/tools/c.md"):
        make_live_memory(store, rita, path=path)
    session = make_session(agent, external_id="run-1")
    ask("run-1", path_prefix="/tools/")
    ask("run-1")

    response = desk.get(f"/sessions/{session.pk}/memory/")
    part, whole = response.context["reads"]
    assert [version.path for version in part.shown] == ["/tools/b.md", "/tools/c.md"]
    assert [version.path for version in whole.shown] == ["/a.md"]
    assert "A part: 2 of 3 memories" in text_of(response)
    assert "All 3 memories; 2 had been served before, as they were" in text_of(response)
    assert "a part: 2 versions" in text_of(desk.get(f"/sessions/{session.pk}/"))


def test_of_a_long_part_every_version_is_named(desk, agent, store, rita, ask, monkeypatch):
    monkeypatch.setattr(moment_views, "MAX_SHOWN", 1)
    for path in ("/a.md", "/tools/b.md", "/tools/c.md", "/tools/d.md"):
        make_live_memory(store, rita, path=path)
    session = make_session(agent, external_id="run-1")
    ask("run-1", path_prefix="/tools/")
    shown = text_of(desk.get(f"/sessions/{session.pk}/memory/"))
    assert "and 2 more of the store at r4 , those of r3, r4." in shown


@pytest.mark.parametrize("known", [False, True])
def test_a_stop_that_serves_an_earlier_revision_is_what_is_recorded(desk, agent, store, story, ask, known):
    """Also where the agent has the text already and gets a 304."""
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=2)
    tag = ask("warm-up")["ETag"] if known else ""
    session = make_session(agent, external_id="run-1")
    assert ask("run-1", tag).status_code == (304 if known else 200)

    (read,) = desk.get(f"/sessions/{session.pk}/memory/").context["reads"]
    assert read.revision == 2
    assert [(version.path, version.revision) for version in read.shown] == [("/a.md", 1), ("/b.md", 2)]


def test_a_session_that_read_before_during_and_after_a_stop_names_each_revision_once(desk, agent, store, story, ask):
    session = make_session(agent, external_id="run-1")
    ask("run-1")
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=2)
    ask("run-1")
    resume_store(store_id=store.pk, actor=ADAM, reason="Mended.")
    ask("run-1")
    reads = desk.get(f"/sessions/{session.pk}/memory/").context["reads"]
    assert [read.revision for read in reads] == [5, 2]


def test_a_read_that_does_not_say_what_it_knows_is_no_proof_of_what_was_served(agent, store, story, ask):
    assert ask("run-1", "*").status_code == 304
    assert not MemoryRead.objects.exists()


def test_an_agent_at_a_moment_is_shown_with_the_stores_that_it_read_then_as_it_was_served(desk, rita):
    agent, claims, cards = make_agent("reader"), make_store("loans"), make_store("cards")
    moments = [timezone.now()]
    attach_agents(store=claims, agents=[agent], actor=ADAM)
    make_live_memory(claims, rita)
    moments.append(timezone.now())
    save_agent_settings(agent=agent, stores=[claims, cards], actor=ADAM)
    make_live_memory(claims, rita)
    stop_store(store_id=claims.pk, actor=ADAM, reason="Wrong.", served_revision=1)
    moments.append(timezone.now())
    save_agent_settings(agent=agent, stores=[cards], actor=ADAM)
    attach_agents(store=claims, agents=[make_agent("reader-2")], actor=ADAM)
    moments.append(timezone.now())

    def told(at: str) -> list[tuple[str, int, int]]:
        rows = desk.get("/agents/reader/memory/", {"at": at}).context["beliefs"]
        return [(row.store.name, row.moment.revision, row.moment.published) for row in rows]

    assert [told(at.isoformat()) for at in moments] == [
        [],
        [("loans", 1, 1)],
        [("cards", 0, 0), ("loans", 1, 2)],
        [("cards", 0, 0)],
    ]
    assert told("") == told(moments[-1].isoformat())
    assert "is no time that has been" in text_of(desk.get("/agents/reader/memory/?at=2999-01-01"))
    assert "since entry" in text_of(desk.get("/agents/reader/memory/"))


def reached(response) -> set[str]:
    assert response.status_code == 200
    return {read.session_external_id for read in response.context["reach"].page.rows}


def test_a_version_names_the_sessions_that_were_served_it_and_no_other(desk, agent, store, rita, ask):
    ask("before")
    first = make_live_memory(store, rita, path="/a.md", content="One.")
    ask("one")
    make_live_memory(store, rita, path="/b.md")
    ask("one")
    ask("both")
    second = change(first, rita, content="Two.")
    ask("both")
    ask("two")
    stop_store(store_id=store.pk, actor=ADAM, reason="Wrong.", served_revision=2)
    ask("stopped")
    resume_store(store_id=store.pk, actor=ADAM, reason="Mended.")
    deleted = change(second, rita, operation="delete", content="")
    ask("after")

    address = f"/memories/{first.memory_id}/versions"
    assert reached(desk.get(f"{address}/1/")) == {"one", "both", "stopped"}
    assert reached(desk.get(f"{address}/{second.revision}/")) == {"both", "two"}
    assert reached(desk.get(f"{address}/{deleted.revision}/")) == set()
    assert desk.get(f"{address}/2/").status_code == 404


def test_a_version_outside_of_the_part_that_a_session_read_did_not_reach_it(desk, store, rita, ask):
    outside = make_live_memory(store, rita, path="/a.md")
    inside = make_live_memory(store, rita, path="/tools/b.md")
    ask("part", path_prefix="/tools/")
    ask("whole")
    ask("both", path_prefix="/tools/")
    ask("both")

    def served(version) -> list[str]:
        rows = desk.get(f"/memories/{version.memory_id}/versions/{version.revision}/").context["reach"].page.rows
        return sorted(read.session_external_id for read in rows)

    assert served(outside) == ["both", "whole"]
    assert served(inside) == ["both", "part", "whole"]


def test_how_the_sessions_ended_is_counted_with_what_it_is_counted_of(desk, agent, store, rita, monkeypatch):
    monkeypatch.setattr(reach, "PAGE_SIZE", 3)
    version = make_live_memory(store, rita)
    for number, outcome in enumerate(["success", "success", "failure", "unknown", None, None, "success"]):
        MemoryRead.objects.create(agent=agent, session_external_id=f"s{number}", store=store, revision=1)
        if outcome:
            make_session(agent, external_id=f"s{number}", outcome=outcome)
    make_session(make_agent("other"), external_id="s4", outcome="failure")

    address = f"/memories/{version.memory_id}/versions/1/"
    response = desk.get(address)
    assert "7 sessions were served it; of these 5 have come in and ended so:" in text_of(response)
    ended = {bar.label: (bar.part, bar.total) for bar in response.context["reach"].ended}
    assert ended == {"success": (3, 5), "failure": (1, 5), "unknown": (1, 5)}

    seen, after = [], ""
    while True:
        response = desk.get(address, {"after": after})
        seen += [read.session_external_id for read in response.context["reach"].page.rows]
        if not (after := response.context["reach"].page.after):
            break
    assert seen == [f"s{number}" for number in reversed(range(7))]

    monkeypatch.setattr(reach, "LIMIT", 4)
    cut = desk.get(address).context["reach"]
    assert (cut.served, cut.received, cut.is_cut) == (4, 2, True)


def test_versions_of_a_memory_come_a_page_at_a_time_each_against_the_one_before(desk, store, rita, monkeypatch):
    monkeypatch.setattr("reviews.history_views.VERSIONS", 2)
    version = make_live_memory(store, rita, path="/a.md", content="Zero.")
    for number in ("One.", "Two."):
        version = change(version, rita, content=number)
    first = desk.get(f"/memories/{version.memory_id}/")
    assert [row.revision for row in first.context["versions"]] == [3, 2]
    assert "<del>Zero</del><ins>One</ins>." in first.content.decode()
    rest = desk.get(f"/memories/{version.memory_id}/?before={first.context['next_before']}")
    assert [row.revision for row in rest.context["versions"]] == [1]


@pytest.mark.parametrize(
    "address",
    [
        "/stores/claims/at/?revision=20",
        "/stores/claims/changes/?from=1&to=20",
        "/memories/{memory}/blame/",
        "/memories/{memory}/versions/20/",
        "/memories/{memory}/",
    ],
)
def test_pages_ask_as_much_of_the_database_for_many_rows_as_for_few(
    desk, agent, store, rita, address, django_assert_max_num_queries
):
    version = make_live_memory(store, rita, path="/a.md", content="Line 0.")
    for number in range(1, 20):
        version = change(version, rita, content=f"{version.content}\nLine {number}.")
        MemoryRead.objects.create(agent=agent, session_external_id=f"s{number}", store=store, revision=number)
    with django_assert_max_num_queries(18):
        assert desk.get(address.format(memory=version.memory_id)).status_code == 200
