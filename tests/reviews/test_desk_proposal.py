"""The proposal page: everything that the digest covers, and nothing that acts."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from memory.models import Evidence
from memory.services import QuoteDraft, current_digest
from reviews import presenters
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script> ![p](https://evil.example/p.png) <img src=x onerror=a()> user\u202egnp.exe \x1b[31m data:text/html,x"


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller"), make_agent("clerk", mode="auto")])


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


def words(response) -> str:
    """What a reader reads: without tags, with entities resolved."""
    return unescape(re.sub(r"<[^>]+>", "", response.content.decode()))


def test_all_that_the_digest_covers_is_on_the_page(desk, store):
    session = make_session(store.agents.first(), ["Error: ledger is locked until noon", "It worked after the close"])
    quotes = [
        QuoteDraft(session.pk, 0, "ledger is locked", "supports"),
        QuoteDraft(session.pk, 1, "It worked", "contradicts"),
    ]
    proposal = make_proposal(store, session, evidence=quotes, rationale="Seen in nine of twelve.", path="/a/b.md")

    text = words(desk.get(f"/proposals/{proposal.pk}/"))

    for part in (proposal.title, proposal.rationale, proposal.content, "/a/b.md", "claims", "create"):
        assert part in text
    for quote in quotes:
        assert quote.quote in text
    assert f"{session.external_id} event 0" in text
    assert f"{session.external_id} event 1" in text
    assert "teller" in text


def test_the_form_carries_the_digest_of_the_rows_shown(desk, store):
    proposal = make_proposal(store)

    page = desk.get(f"/proposals/{proposal.pk}/")

    assert page.context["digest"] == proposal.digest == current_digest(proposal)
    assert f'name="digest" value="{proposal.digest}"' in page.content.decode()


def test_evidence_that_was_slipped_in_is_called_out_and_cannot_be_approved(desk, store):
    session = make_session(store.agents.first(), ["one", "two"])
    proposal = make_proposal(store, session)
    Evidence.objects.create(proposal=proposal, session=session, seq=1, quote="two", stance="supports")

    page = desk.get(f"/proposals/{proposal.pk}/")

    assert not page.context["is_intact"]
    assert "not what was filed" in page.content.decode()


def test_a_quote_stands_marked_in_its_context_with_a_link_to_the_event(desk, store):
    session = make_session(store.agents.first(), ["x" * 5000 + " before " + "THE QUOTE" + " behind " + "y" * 5000])
    proposal = make_proposal(store, session, evidence=[QuoteDraft(session.pk, 0, "THE QUOTE", "supports")])

    html = desk.get(f"/proposals/{proposal.pk}/").content.decode()

    assert '<mark><bdi class="quoted">THE QUOTE</bdi></mark>' in html
    assert " before " in html
    assert " behind " in html
    assert "x" * 300 not in html
    quote = proposal.evidence.get()
    assert f"/sessions/{session.pk}/?at=0&amp;quote={quote.pk}#e0" in html


def test_hostile_text_is_inert_everywhere(desk, store, rita):
    session = make_session(store.agents.first(), [HOSTILE], task=HOSTILE, principal=HOSTILE, outcome_detail=HOSTILE)
    evidence = [QuoteDraft(session.pk, 0, HOSTILE, "supports")]
    fields = {"evidence": evidence, "title": HOSTILE, "rationale": HOSTILE}
    proposal = make_proposal(store, session, content=HOSTILE, **fields)

    for address in ("/", f"/proposals/{proposal.pk}/", f"/sessions/{session.pk}/", f"/sessions/{session.pk}/events/0/"):
        html = desk.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "evil.example" not in re.sub(r">[^<]*<", "><", html).replace('value="', ""), address
        without_editor = re.sub(r"(?s)<textarea.*?</textarea>", "", html)
        assert "\u202e" not in without_editor
        assert "\x1b" not in without_editor
        assert "⟦U+202E⟧" in html
        assert "⟦ESC⟧" in html


def test_the_editor_holds_the_exact_text(desk, store):
    content = "\n\nTwo empty lines first, \u202e</textarea><b>bold"
    proposal = make_proposal(store, content=content)

    html = desk.get(f"/proposals/{proposal.pk}/").content.decode()

    inside = re.search(r"(?s)<textarea[^>]*>\n(.*?)</textarea>", html).group(1)
    assert unescape(inside) == content


def test_an_update_is_shown_by_words_against_live_memory(desk, store, rita):
    version = make_live_memory(store, rita, path="/a.md", content="Ask the user for a card.")
    proposal = make_proposal(
        store, operation="update", base_version=version, path="/a.md", content="Ask the admin for a card."
    )

    html = desk.get(f"/proposals/{proposal.pk}/").content.decode()

    assert "Ask the <del>user</del><ins>admin</ins> for a card." in html
    assert "live now" in html


def test_a_delete_shows_what_goes_and_offers_no_edit(desk, store, rita):
    version = make_live_memory(store, rita, path="/a.md", content="Ask the user.")
    proposal = make_proposal(store, operation="delete", base_version=version, path="/a.md", content="")

    html = desk.get(f"/proposals/{proposal.pk}/").content.decode()

    assert "<del>Ask the user.</del>" in html
    assert 'id="edit"' not in html


def test_a_rename_shows_both_paths(desk, store, rita):
    version = make_live_memory(store, rita, path="/a.md", content="Ask the user.")
    fields = {"path": "/a.md", "new_path": "/b.md", "content": "Ask the user."}
    proposal = make_proposal(store, operation="rename", base_version=version, **fields)

    html = desk.get(f"/proposals/{proposal.pk}/").content.decode()

    assert "<del>/a.md</del><ins>/b.md</ins>" in html
    assert "the text stays as it is" in html


def test_readers_flags_neighbours_and_history_are_there(desk, store, rita):
    rejected = make_proposal(store, path="/a.md", title="Try it twice")
    desk.post(
        f"/proposals/{rejected.pk}/decide/",
        {"verdict": "reject", "digest": rejected.digest, "reason": "It hides the cause."},
    )
    open_one = make_proposal(store, path="/a.md", title="Wait for noon")
    proposal = make_proposal(store, path="/a.md", content="See https://example.com/x for it")

    text = words(desk.get(f"/proposals/{proposal.pk}/"))

    assert "clerk auto" in " ".join(text.split())
    assert "points at an address outside" in text
    assert "It hides the cause." in text
    assert open_one.title in text
    assert "Proposal submitted" in text


def test_after_the_decision_the_page_says_who_when_why_and_what_was_changed(desk, store):
    proposal = make_proposal(store, content="Wait for the close.")
    edit = {"content": "Wait for the full close.", "path": proposal.path, "reason": "To be exact."}
    desk.post(f"/proposals/{proposal.pk}/decide/", {"verdict": "approve_with_edits", "digest": proposal.digest, **edit})

    page = desk.get(f"/proposals/{proposal.pk}/")

    assert "Approved with edits" in words(page)
    assert "To be exact." in words(page)
    assert "<ins>full </ins>" in page.content.decode()
    assert 'id="decide"' not in page.content.decode()
    assert "Memory version published" not in words(page)
    assert "Proposal decided" in words(page)


@pytest.mark.parametrize("who", ["adam", "aude"])
def test_admins_and_auditors_read_but_find_nothing_to_press(client, request, store, who):
    client.force_login(request.getfixturevalue(who))
    proposal = make_proposal(store)

    page = client.get(f"/proposals/{proposal.pk}/")

    assert page.status_code == 200
    assert 'id="decide"' not in page.content.decode()
    assert 'id="edit"' not in page.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_evidence(desk, store, django_assert_max_num_queries):
    sessions = [make_session(store.agents.first(), ["Error: ledger is locked"]) for _ in range(12)]
    evidence = [QuoteDraft(session.pk, 0, "ledger is locked", "supports") for session in sessions]
    proposal = make_proposal(store, sessions[0], evidence=evidence)
    for _ in range(5):
        make_proposal(store, sessions[0], path=proposal.path)

    with django_assert_max_num_queries(32):
        desk.get(f"/proposals/{proposal.pk}/")


def test_numbers_show_what_is_there_and_miss_nothing_that_is_not():
    assert not presenters.numbers_of({})
    assert not presenters.numbers_of(
        {"sessions": "many", "remedy": None, "effect": "big", "met_total": 0, "other_total": 3}
    )

    numbers = presenters.numbers_of(
        {
            "sessions": 14,
            "eligible": 31,
            "agents": 1,
            "met_success": 1,
            "met_total": 9,
            "other_success": 9,
            "other_total": 14,
        }
    )
    assert [tile.number for tile in numbers.tiles] == ["14 of 31", "1 agent"]
    assert [(bar.part, bar.total, bar.width) for bar in numbers.bars] == [(1, 9, 11), (9, 14, 64)]


def test_unknown_proposals_are_not_found(desk):
    assert desk.get("/proposals/999/").status_code == 404
    assert desk.post("/proposals/999/decide/", {}).status_code == 404


def test_an_approved_memory_is_linked_from_its_proposal(desk, store, rita):
    proposal = make_proposal(store)
    version = approve(proposal, rita).version

    assert f"/memories/{version.memory_id}/" in desk.get(f"/proposals/{proposal.pk}/").content.decode()


def test_sessions_by_week_are_drawn_where_the_dream_counted_them(desk, store):
    weeks = [["2026-10-26", 2, 5], ["2026-11-09", 3, 3]]
    proposal = make_proposal(store, support={"sessions": 5, "eligible": 8, "weeks": weeks})

    plot = desk.get(f"/proposals/{proposal.pk}/").context["weeks"]

    assert [column.values for column in plot.columns] == [(2, 3), (0, 0), (3, 0)]
    assert [series.name for series in plot.series] == ["met it", "did not meet it"]
    assert (plot.first, plot.number) == ("week of 26 Oct", "8")


def test_without_counts_by_week_only_the_quoted_sessions_are_drawn_and_called_so(desk, store):
    agent = store.agents.first()
    old, new = (make_session(agent, occurred_at=datetime(2026, 11, day, tzinfo=UTC)) for day in (2, 20))
    quotes = [QuoteDraft(old.pk, 0, "ledger", "supports"), QuoteDraft(new.pk, 0, "ledger", "contradicts")]
    proposal = make_proposal(store, old, evidence=quotes)

    page = desk.get(f"/proposals/{proposal.pk}/")

    assert page.context["weeks"].title == "Quoted sessions by week"
    assert [column.values for column in page.context["weeks"].columns] == [(1, 0), (0, 0), (0, 1)]
    assert "how many there were is not known" in page.content.decode()


def test_sessions_of_one_week_need_no_chart(desk, store):
    assert desk.get(f"/proposals/{make_proposal(store).pk}/").context["weeks"] is None
