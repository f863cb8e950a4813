"""Deciding in the browser, without JavaScript: post, redirect, and pages that say what happened instead."""

import pytest
from django.test import Client

from memory.models import Evidence, Memory, Proposal
from reviews.models import Decision
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


def send(client: Client, proposal: Proposal, verdict: str, **fields):
    """Post what the page's form holds, changed by `fields`."""
    page = client.get(f"/proposals/{proposal.pk}/").context
    form = {"digest": page["digest"], "seen": page["seen"], "content": page["draft_text"], "path": page["draft_path"]}
    return client.post(f"/proposals/{proposal.pk}/decide/", {**form, "verdict": verdict, **fields})


def test_approving_publishes_and_leads_to_the_next_with_a_link_back(desk, store):
    proposal, following = make_proposal(store, benefit=2), make_proposal(store, benefit=1)

    response = send(desk, proposal, "approve")

    assert response.status_code == 302
    assert response["Location"] == f"/proposals/{following.pk}/"
    assert Memory.objects.get().head.content == proposal.content
    page = desk.get(response["Location"]).content.decode()
    assert f'<a href="/proposals/{proposal.pk}/">{proposal.public_id}</a>' in page
    assert "is live in claims at revision r1" in page


def test_the_last_decision_leads_to_the_queue(desk, store):
    assert send(desk, make_proposal(store), "approve")["Location"] == "/"


def test_the_filters_of_the_queue_are_kept(desk, store):
    proposal = make_proposal(store, kind="workflow", benefit=3)
    make_proposal(store, kind="preference", benefit=2)
    following = make_proposal(store, kind="workflow", benefit=1)

    response = send(desk, proposal, "approve", kind="workflow")

    assert response["Location"] == f"/proposals/{following.pk}/?kind=workflow"


def test_the_next_address_is_never_taken_from_the_form(desk, store):
    response = send(desk, make_proposal(store), "approve", store="//evil.example/", next="https://evil.example/")

    assert response["Location"].startswith("/?store=%2F%2Fevil")


def test_an_edit_publishes_what_was_typed(desk, store):
    proposal = make_proposal(store, content="Wait for the close.")

    send(desk, proposal, "approve_with_edits", content="Wait.\r\nThen post.", path="/tools/ledger.md")

    memory = Memory.objects.get()
    assert (memory.path, memory.head.content) == ("/tools/ledger.md", "Wait.\nThen post.")


def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(desk, store):
    proposal = make_proposal(store)

    response = send(desk, proposal, "reject", reason="  ", content="Half an edit")

    assert response.status_code == 422
    page = response.content.decode()
    assert "Say why" in page
    assert "Half an edit" in page
    assert not Decision.objects.exists()


def test_approving_with_an_edit_in_the_editor_is_not_taken_for_either(desk, store):
    response = send(desk, make_proposal(store), "approve", content="I changed this.")

    assert response.status_code == 422
    assert "You changed the text" in response.content.decode()
    assert "I changed this." in response.content.decode()
    assert not Decision.objects.exists()


def test_line_ends_of_the_browser_are_no_edit(desk, store):
    proposal = make_proposal(store, content="One\nTwo\nThree")

    assert send(desk, proposal, "approve", content="One\r\nTwo\r\nThree").status_code == 302


def test_a_flagged_proposal_wants_a_word_that_the_flags_were_read(desk, store):
    proposal = make_proposal(store, content="See https://example.com/x for it")

    assert send(desk, proposal, "approve").status_code == 422
    assert not Decision.objects.exists()
    assert send(desk, proposal, "approve", flags_read="on").status_code == 302


def test_rejecting_a_flagged_proposal_asks_nothing_more(desk, store):
    proposal = make_proposal(store, content="See https://example.com/x for it")

    assert send(desk, proposal, "reject", reason="Points outside.").status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": ""},
        {"verdict": "publish"},
        {"verdict": "approve", "digest": ""},
        {"verdict": "approve", "digest": "x" * 65},
        {"verdict": "approve_with_edits", "content": "", "path": "/a.md"},
        {"verdict": "approve_with_edits", "content": "x", "path": "no path"},
        {"verdict": "approve_with_edits", "content": "x" * 102_401, "path": "/a.md"},
        {"verdict": "approve_with_edits", "content": "nul \x00", "path": "/a.md"},
        {"verdict": "reject", "reason": "x" * 4001},
    ],
)
def test_a_bad_ballot_is_refused_with_the_page_and_the_form(desk, store, fields):
    proposal = make_proposal(store)

    response = send(desk, proposal, **fields)

    assert response.status_code == 422
    assert 'id="decide"' in response.content.decode()
    assert not Decision.objects.exists()


def test_a_late_click_says_who_was_faster_and_gives_the_edit_back(desk, store, db):
    from tests.conftest import make_user

    proposal, other = make_proposal(store, benefit=2), make_proposal(store)
    form = {
        "verdict": "approve_with_edits",
        "digest": proposal.digest,
        "content": "My long edit",
        "path": "/a.md",
        "reason": "Mine",
    }
    approve(proposal, make_user("ravi", "reviewer"), reason="It is right.")

    response = desk.post(f"/proposals/{proposal.pk}/decide/", form)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Somebody was faster" in page
    assert "ravi approved it" in page
    assert "It is right." in page
    assert "My long edit" in page
    assert "Mine" in page
    assert f"/proposals/{other.pk}/" in page
    assert Decision.objects.count() == 1


def test_a_second_click_of_ones_own_says_so(desk, store):
    proposal = make_proposal(store)
    form = {"verdict": "approve", "digest": proposal.digest}
    desk.post(f"/proposals/{proposal.pk}/decide/", form)

    response = desk.post(f"/proposals/{proposal.pk}/decide/", form)

    assert response.status_code == 409
    assert "You decided this already" in response.content.decode()


def test_a_moved_base_shows_what_is_live_now(desk, store, rita):
    base = make_live_memory(store, rita, path="/a.md", content="Ask the user.")
    update = {"operation": "update", "base_version": base, "path": "/a.md"}
    winner = make_proposal(store, content="Ask the admin.", **update)
    loser = make_proposal(store, content="Ask nobody at all.", **update)
    form = {"verdict": "approve", "digest": loser.digest, "flags_read": "on"}
    approve(winner, rita)

    response = desk.post(f"/proposals/{loser.pk}/decide/", form)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Memory changed under this proposal" in page
    assert "<del>user</del><ins>admin</ins>" in page
    assert Memory.objects.get().head.content == "Ask the admin."


def test_evidence_that_came_after_the_page_was_opened_is_named(desk, store):
    session = make_session(store.agents.first(), ["one", "two"])
    proposal = make_proposal(store, session)
    page = desk.get(f"/proposals/{proposal.pk}/").context
    Evidence.objects.create(proposal=proposal, session=session, seq=1, quote="two", stance="contradicts")

    form = {"verdict": "approve", "digest": page["digest"], "seen": page["seen"]}
    response = desk.post(f"/proposals/{proposal.pk}/decide/", form)

    assert response.status_code == 409
    assert "the evidence changed" in response.content.decode()
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["adam", "aude", "oscar"])
def test_only_reviewers_decide_or_preview(client, request, store, who):
    client.force_login(request.getfixturevalue(who))
    proposal = make_proposal(store)

    for action in ("decide", "preview"):
        response = client.post(f"/proposals/{proposal.pk}/{action}/", {"verdict": "approve", "digest": proposal.digest})
        assert response.status_code == 403
    assert not Decision.objects.exists()


def test_a_role_lost_while_the_page_was_open_is_a_page_that_says_so(client, rita, store):
    client.force_login(rita)
    proposal = make_proposal(store)
    rita.groups.clear()

    response = client.post(f"/proposals/{proposal.pk}/decide/", {"verdict": "approve", "digest": proposal.digest})

    assert response.status_code == 403
    assert "no role yet" in response.content.decode()


def test_deciding_needs_the_csrf_token(rita, store):
    client = Client(enforce_csrf_checks=True)
    client.force_login(rita)
    proposal = make_proposal(store)

    response = client.post(f"/proposals/{proposal.pk}/decide/", {"verdict": "approve", "digest": proposal.digest})

    assert response.status_code == 403
    assert "form has expired" in response.content.decode()


def test_the_default_button_of_the_form_is_disabled_so_enter_does_nothing(desk, store):
    page = desk.get(f"/proposals/{make_proposal(store).pk}/").content.decode()

    first = page.index('<button type="submit" form="decide" disabled hidden>')
    assert first < page.index('name="verdict"')


def test_a_preview_shows_the_difference_and_scans_the_edit(desk, store):
    proposal = make_proposal(store)
    form = {"content": "Wait\u202e, see https://example.com/x", "path": "no path"}

    page = desk.post(f"/proposals/{proposal.pk}/preview/", form, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in page
    assert "⟦U+202E⟧" in page
    assert "is not a path" in page
    assert "points at an address outside" in page
    assert not Decision.objects.exists()


def test_a_preview_of_far_too_much_is_not_worked_out(desk, store):
    form = {"content": "x" * 500_000, "path": "/a.md"}

    page = desk.post(f"/proposals/{make_proposal(store).pk}/preview/", form).content.decode()

    assert "500,000 bytes" in page
    assert len(page) < 5_000
