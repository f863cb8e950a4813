"""The page beside a proposal: what others do with it, and what one takes back. Plain posts and redirects."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from memory.models import Memory, Proposal
from memory.services import QuoteDraft
from reviews import changes, holding, together
from reviews.ballots import Ballot
from reviews.commenting import comment
from reviews.models import Claim, Comment, Decision, HeldBallot, Mention, ReviewSettings, Vote
from reviews.services import decide
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script> admin\u202etxt.exe <img src=x onerror=alert(1)>"


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def proposal(store) -> Proposal:
    return make_proposal(store, content="Wait.")


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def other_desk(ruth) -> Client:
    client = Client()
    client.force_login(ruth)
    return client


def page_of(client: Client, proposal: Proposal) -> str:
    return client.get(f"/proposals/{proposal.pk}/").content.decode()


def post(client: Client, proposal: Proposal, what: str, **fields):
    return client.post(f"/proposals/{proposal.pk}/{what}/", fields)


def state_of(client: Client, proposal: Proposal, mark: str) -> str:
    return client.get(f"/proposals/{proposal.pk}/state/?{mark}").content.decode()


def test_opening_it_claims_it_and_the_other_sees_that(desk, other_desk, proposal):
    page_of(desk, proposal)

    assert "is reading this" in page_of(other_desk, proposal)
    assert "is reading this" not in page_of(desk, proposal)
    post(other_desk, proposal, "take-over")
    assert Claim.objects.get().user_name == "ruth"
    assert post(other_desk, proposal, "release")["Location"] == "/"
    assert not Claim.objects.exists()


def test_a_prefetch_claims_nothing_and_sees_no_mention(other_desk, proposal, rita, ruth):
    comment(proposal_id=proposal.pk, author=rita, body="@ruth?")
    other_desk.get(f"/proposals/{proposal.pk}/", headers={"Sec-Purpose": "prefetch"})
    assert not Claim.objects.exists()
    assert Mention.objects.get().seen_at is None


def test_auditors_and_admins_claim_nothing(client, aude, proposal):
    client.force_login(aude)
    page_of(client, proposal)
    state_of(client, proposal, "")
    assert not Claim.objects.exists()


def test_the_open_page_hears_who_decided_and_that_it_blocks(desk, proposal, ruth):
    mark = desk.get(f"/proposals/{proposal.pk}/").context["seen_mark"]
    assert "Changed while" not in state_of(desk, proposal, mark)
    approve(proposal, ruth)

    told = state_of(desk, proposal, mark)

    assert "ruth approved it." in told
    assert "data-blocks" in told
    assert "<html" not in told


def test_the_state_is_cheap_and_keeps_the_claim(desk, proposal, django_assert_max_num_queries):
    mark = desk.get(f"/proposals/{proposal.pk}/").context["seen_mark"]
    Claim.objects.update(expires_at=F("expires_at") - timedelta(minutes=9))
    before = Claim.objects.get().expires_at
    with django_assert_max_num_queries(6):  # three of them: who asks, and with which role
        state_of(desk, proposal, mark)
    assert Claim.objects.get().expires_at > before


def test_a_comment_stands_there_inert_and_calls_its_reader(desk, other_desk, proposal):
    response = post(desk, proposal, "comment", body=f"@ruth, @nobody: {HOSTILE}")
    assert response["Location"] == f"/proposals/{proposal.pk}/#together"
    assert "Nobody here is called @nobody" in desk.get(f"/proposals/{proposal.pk}/").content.decode()

    assert "1 mention<" in other_desk.get("/").content.decode()
    for address in ("/mentions/", f"/proposals/{proposal.pk}/"):
        page = other_desk.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "⟦U+202E⟧" in page
    assert "1 mention<" not in other_desk.get("/").content.decode()


def test_what_was_typed_in_vain_is_given_back(desk, proposal, ruth):
    approve(proposal, ruth)
    response = post(desk, proposal, "ask-for-changes", note="A long and careful note")
    assert response.status_code == 409
    assert "A long and careful note" in response.content.decode()
    assert "not open any more" in response.content.decode()


def test_asking_for_changes_leads_on_and_the_answer_is_filed(desk, other_desk, store, proposal):
    following = make_proposal(store)
    assert post(desk, proposal, "ask-for-changes", note="Say until when.")["Location"] == f"/proposals/{following.pk}/"

    page = page_of(other_desk, proposal)
    assert "rita asks for changes: Say until when." in page.replace('<bdi class="quoted">', "").replace("</bdi>", "")
    assert 'value="approve" data-key="a" disabled' in page
    response = post(other_desk, proposal, "reword", content="Wait for noon.", path=proposal.path)

    newer = Proposal.objects.get(content="Wait for noon.")
    assert response["Location"] == f"/proposals/{newer.pk}/"
    assert f'answered by <a href="/proposals/{newer.pk}/">' in page_of(desk, proposal)


def test_a_wording_that_cannot_be_filed_is_given_back(desk, proposal, rita):
    changes.ask_for_changes(proposal_id=proposal.pk, by=rita, note="Say until when.")
    response = post(desk, proposal, "reword", content="Wait for noon.", path="no path")
    assert response.status_code == 409
    assert "Wait for noon." in response.content.decode()
    assert post(desk, proposal, "withdraw-request").status_code == 302


def test_assigning_and_escalating_are_shown_here_and_in_the_queue(desk, proposal, ruth):
    post(desk, proposal, "assign", to="ruth")
    post(desk, proposal, "escalate", reason="Touches payments.")

    assert "ruth’s turn, says rita" in page_of(desk, proposal)
    assert "Touches payments." in page_of(desk, proposal)
    queue = desk.get("/?tab=others").content.decode()
    assert ">escalated</span>" in queue
    assert "ruth’s turn" in queue
    post(desk, proposal, "assign", to="")
    assert "anybody’s turn" in page_of(desk, proposal)
    assert post(desk, proposal, "assign", to="nobody").status_code == 409


def test_where_two_are_asked_the_second_reader_learns_nothing_of_the_first(desk, other_desk, store, proposal, rita):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    before = page_of(other_desk, proposal)
    approve(proposal, rita, reason="Seen it myself.")

    after = page_of(other_desk, proposal)
    assert "Two people are asked here. Neither sees" in after
    assert "Seen it myself" not in after
    assert "First of two approvals" not in after
    for page in (before, after):
        assert 'value="approve" data-key="a">' in page
    record = other_desk.get("/record/?action=review.voted").content.decode()
    assert "rita" not in record.split("<main")[1]
    assert "You approved it. Two people are asked" in page_of(desk, proposal)
    assert 'disabled title="You approved it already."' in page_of(desk, proposal)
    assert "First of two approvals" in page_of(desk, proposal)


@pytest.mark.parametrize("who", ["adam", "aude"])
def test_who_does_not_decide_sees_the_first_approval(client, request, store, proposal, rita, who):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    approve(proposal, rita, reason="Seen it myself.")
    client.force_login(request.getfixturevalue(who))

    assert "Seen it myself." in page_of(client, proposal)
    assert "First of two approvals" in client.get(f"/record/?subject=proposal:{proposal.pk}").content.decode()


def test_once_closed_both_approvals_are_shown(desk, other_desk, store, proposal, rita, ruth):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    approve(proposal, rita, reason="Seen it myself.")
    approve(proposal, ruth)

    for client in (desk, other_desk):
        page = page_of(client, proposal)
        assert "Seen it myself." in page
        assert "by ruth" in page
    assert "First of two approvals" in other_desk.get("/record/").content.decode()


def test_an_author_is_told_that_somebody_else_approves(desk, other_desk, store, proposal, rita):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    form = {"content": "Wait for noon.", "path": proposal.path, "digest": proposal.digest}
    assert "Editing makes you an author" in page_of(desk, proposal)
    post(desk, proposal, "decide", verdict="approve_with_edits", **form)

    newer = Proposal.objects.open().get()
    assert "you wrote this" in page_of(desk, newer)
    assert "rita wrote it and is one" in page_of(other_desk, newer)


def held_by(user, store, **fields) -> HeldBallot:
    ReviewSettings.objects.update_or_create(store=store, defaults={"hold_back_seconds": 60})
    proposal = make_proposal(store, **fields)
    return holding.cast(proposal_id=proposal.pk, decider=user, ballot=Ballot("approve", proposal.digest, "Right."))


def test_a_held_decision_can_be_taken_back_from_any_page(desk, other_desk, store, rita):
    held = held_by(rita, store)

    for address in ("/", "/stores/", f"/proposals/{held.proposal_id}/"):
        page = desk.get(address).content.decode()
        assert f'action="/held/{held.pk}/undo/"' in page
        assert f"{held.due_at:%H:%M:%S} UTC" in page
    assert "you can undo it" in page
    assert 'value="approve" data-key="a" disabled' in page
    assert "/undo/" not in other_desk.get("/").content.decode()
    assert other_desk.post(f"/held/{held.pk}/undo/").status_code == 403
    assert desk.post(f"/held/{held.pk}/undo/")["Location"] == f"/proposals/{held.proposal_id}/"
    assert "/undo/" not in desk.get("/").content.decode()
    assert HeldBallot.objects.get().state == "undone"


def test_a_late_undo_says_so_and_offers_the_way_back(desk, store, rita):
    held = held_by(rita, store)
    HeldBallot.objects.update(due_at=F("due_at") - timedelta(minutes=2))
    assert "takes effect now" in desk.get("/").content.decode()
    holding.release_due()

    response = desk.post(f"/held/{held.pk}/undo/")

    assert response.status_code == 409
    assert "took effect already" in response.content.decode()
    assert "Revert this" in page_of(desk, held.proposal)


def test_what_could_not_take_effect_is_told_until_it_is_looked_at(desk, store, rita):
    base = make_live_memory(store, rita, path="/a.md")
    update = {"operation": "update", "path": "/a.md", "base_version": base}
    held = held_by(rita, store, content="One.", **update)
    approve(make_proposal(store, content="Two.", **update), rita)
    HeldBallot.objects.update(due_at=F("due_at") - timedelta(minutes=2))
    holding.release_due()

    page = desk.get("/stores/").content.decode()
    assert "did not take effect" in page
    assert "changed when" in page
    assert desk.post(f"/held/{held.pk}/dismiss/")["Location"] == f"/proposals/{held.proposal_id}/"
    assert "did not take effect" not in desk.get("/stores/").content.decode()


def test_a_decision_at_once_offers_revert_and_a_rejection_reopen(desk, proposal, store):
    page = desk.get(f"/proposals/{proposal.pk}/").context
    form = {"digest": page["digest"], "seen": page["seen"]}
    post(desk, proposal, "decide", verdict="approve", **form)
    assert f'<a href="/proposals/{proposal.pk}/#take-back" data-key="u">Revert</a>' in desk.get("/").content.decode()

    response = post(desk, proposal, "revert", why="It misleads.")
    reverse = Proposal.objects.open().get()
    assert response["Location"] == f"/proposals/{reverse.pk}/"
    post(desk, reverse, "decide", verdict="reject", reason="It is fine.", digest=reverse.digest)
    assert "Reopen</a>" in desk.get("/").content.decode()
    post(desk, reverse, "reopen", why="It is not.")
    again = Proposal.objects.open().get()
    assert again.risk == ["deletes", "rejected_before"]
    assert Memory.objects.get().head is not None


def test_a_revert_without_a_reason_is_refused(desk, proposal, rita):
    approve(proposal, rita)
    assert post(desk, proposal, "revert", why=" ").status_code == 409
    assert not Proposal.objects.open().exists()


def test_a_late_click_after_a_colleagues_wording_shows_what_became_of_it(desk, store, proposal, ruth):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    edit = {"content": "Wait for noon.", "path": proposal.path}
    other = Client()
    other.force_login(ruth)
    post(other, proposal, "decide", verdict="approve_with_edits", digest=proposal.digest, **edit)
    newer = Proposal.objects.open().get()

    response = post(desk, proposal, "decide", verdict="approve", digest=proposal.digest)

    page = response.content.decode()
    assert response.status_code == 409
    assert "A colleague reworded it" in page
    assert "Reworded by ruth" in page
    assert "<ins>" in page
    assert f"/proposals/{newer.pk}/" in page
    assert not Vote.objects.exists()


def test_a_late_click_on_a_moved_base_says_who_moved_it_when_and_why(desk, store, rita, ruth):
    base = make_live_memory(store, rita, path="/a.md", content="Ask the user.")
    update = {"operation": "update", "base_version": base, "path": "/a.md"}
    winner, loser = (
        make_proposal(store, content="Ask the admin.", **update),
        make_proposal(store, content="No.", **update),
    )
    moved = approve(winner, ruth, reason="The user cannot know.")

    page = post(desk, loser, "decide", verdict="approve", digest=loser.digest).content.decode()

    assert "The user cannot know." in page
    assert "ruth" in page
    assert f"r{moved.version.revision}" in page


def test_a_click_in_a_stopped_store_says_who_stopped_it(desk, store, proposal, adam):
    from audit.actors import Actor
    from memory.stopping import stop_store

    stop_store(store_id=store.pk, actor=Actor.user(adam), reason="Looks poisoned.")
    assert "adam stopped publishing" in page_of(desk, proposal)

    response = post(desk, proposal, "decide", verdict="approve", digest=proposal.digest)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Publishing is stopped" in page
    assert "Looks poisoned." in page


def test_a_click_on_what_a_colleague_holds_says_so(desk, store, ruth):
    held = held_by(ruth, store)
    proposal = held.proposal

    response = post(desk, proposal, "decide", verdict="approve", digest=proposal.digest)

    assert response.status_code == 409
    assert "ruth decided it; that takes effect at" in response.content.decode()
    assert not Decision.objects.exists()


def test_where_two_are_asked_a_held_decision_has_no_name(desk, store, ruth):
    held = held_by(ruth, store)
    ReviewSettings.objects.update(four_eyes="always")
    proposal = held.proposal

    page = page_of(desk, proposal)
    late = post(desk, proposal, "decide", verdict="approve", digest=proposal.digest).content.decode()

    for text in (page, late):
        assert "ruth decided" not in text
        assert "Somebody decided it" in text


def test_the_number_of_queries_does_not_grow_with_what_people_say(
    desk, store, rita, ruth, django_assert_max_num_queries
):
    session = make_session(store.agents.first())
    proposal = make_proposal(store, session, evidence=[QuoteDraft(session.pk, 0, "ledger is locked", "supports")])
    for number in range(8):
        comment(proposal_id=proposal.pk, author=ruth, body=f"@rita {number}")
        changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note=f"{number}")
        changes.withdraw_request(proposal_id=proposal.pk, by=ruth)
    together.escalate(proposal_id=proposal.pk, by=ruth, reason="Hm.")
    page_of(desk, proposal)
    with django_assert_max_num_queries(30):
        page_of(desk, proposal)
    assert Comment.objects.count() == 8


def test_a_rejection_leaves_the_first_approval_readable(desk, store, proposal, rita, ruth):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    approve(proposal, rita, reason="Seen it myself.")
    decide(proposal_id=proposal.pk, decider=ruth, ballot=Ballot("reject", proposal.digest, "Hides the cause."))
    page = page_of(desk, proposal)
    assert "Seen it myself." in page
    assert "Hides the cause." in page
