"""The erasure page: find, see what will happen, say why. Holds are set by auditors."""

import re

import pytest

from audit.actors import Actor
from audit.holds import set_hold
from audit.models import Entry, Erasure, LegalHold
from memory.models import MemoryRead
from memory.services import QuoteDraft, Refused
from reviews.attribution import attributed
from reviews.erasing import erase, preview
from reviews.rebasing import rebase
from sessions.models import Session
from tests.factories import make_agent, make_live_memory, make_proposal, make_session, make_store
from tests.reviews.erasing.world import replace, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def session(store):
    return make_session(store.agents.get(), ["Jane called."], principal="jane@example.org", external_id="call-7")


def text(response) -> str:
    return " ".join(response.content.decode().split())


def find(client, scope, subject):
    return client.post("/erasure/find/", {"scope": scope, "subject": subject})


def confirm(client, page, **changes):
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page.content.decode())[1]
    form = {"scope": page.context["scope"], "subject": page.context["subject"], "seen": seen}
    return client.post("/erasure/now/", {**form, "legal_basis": "gdpr_17_1_c", "reason": "Request 12.", **changes})


def test_an_admin_finds_sees_and_erases(client, adam, store, session):
    make_proposal(store, session, evidence=[QuoteDraft(session.pk, 0, "Jane", "supports")])
    client.force_login(adam)
    page = find(client, "principal", "jane@example.org")
    assert page.status_code == 200
    taken = {kind["label"]: (kind["number"], kind["how"]) for kind in page.context["kinds"]}
    assert taken["sessions"] == (1, "words struck, row stays")
    assert taken["quotes"] == (1, "words struck, row stays")
    assert f'href="/sessions/{session.pk}/"' in text(page)
    assert Session.objects.get().principal

    done = confirm(client, page)

    assert done["Location"] == "/erasure/"
    assert Session.objects.get().is_erased
    listed = text(client.get("/erasure/"))
    assert "GDPR 17(1)(c): objection" in listed
    assert "Request 12." in listed
    assert "jane" not in listed
    about = text(client.get(f"/sessions/{session.pk}/"))
    assert "<b>Erased</b> on" in about
    assert "by adam" in about
    assert "Jane called." not in about
    proposal = Session.objects.get().cited_by.get().proposal
    assert "Erased with the session" in text(client.get(f"/proposals/{proposal.pk}/"))
    assert Entry.objects.filter(action="content.erased").count() == 1


def test_what_is_searched_for_stands_in_no_address_and_no_entry(client, adam, session):
    client.force_login(adam)
    page = find(client, "principal", "jane@example.org")
    assert "jane" not in page.request["PATH_INFO"] + page.request["QUERY_STRING"]
    confirm(client, page)
    erasure = Erasure.objects.values().get()
    assert "jane" not in str(erasure)
    assert not any(b"jane" in bytes(entry.body) for entry in Entry.objects.all())


@pytest.mark.parametrize("wrong", [{"legal_basis": ""}, {"reason": ""}, {"legal_basis": "retention"}])
def test_without_basis_or_reason_it_is_asked_again_with_what_was_typed(client, adam, session, wrong):
    client.force_login(adam)
    answer = confirm(client, find(client, "text", "Jane called"), **wrong)
    assert answer.status_code == 422
    assert wrong.get("reason") == "" or "Request 12." in text(answer)
    assert not Session.objects.get().is_erased


def test_what_changed_since_is_shown_again(client, adam, store, session):
    client.force_login(adam)
    page = find(client, "text", "Jane called")
    make_session(store.agents.get(), ["Jane called. Again."])
    answer = confirm(client, page)
    assert answer.status_code == 409
    assert "not what you saw" in text(answer)
    assert not Erasure.objects.exists()


@pytest.mark.parametrize(("scope", "subject"), [("text", "ab"), ("text", "nowhere"), ("principal", "x"), ("", "x")])
def test_what_is_not_there_is_said(client, adam, scope, subject):
    client.force_login(adam)
    answer = find(client, scope, subject)
    assert answer.status_code == 422
    assert 'role="alert"' in text(answer)


def test_the_live_head_leads_to_the_memory_that_must_be_replaced(client, adam, rita, store):
    version = make_live_memory(store, rita)
    client.force_login(adam)
    page = client.get(f"/erasure/version/{version.pk}/")
    assert page.status_code == 409
    assert "Agents read this now." in text(page)
    assert f'href="/memories/{version.memory_id}/"' in text(page)
    assert "Erase for good" not in text(page)


def test_a_version_is_erased_from_its_page_and_shown_struck(client, adam, rita, store):
    version = make_live_memory(store, rita, content="Jane likes mail.")
    replace(version, rita)
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    client.force_login(adam)
    assert f"/erasure/version/{version.pk}/" in text(client.get(f"/memories/{version.memory_id}/"))

    confirm(client, client.get(f"/erasure/version/{version.pk}/"))

    page = text(client.get(f"/memories/{version.memory_id}/"))
    assert "Erased on" in page
    assert "Jane likes mail." not in page
    assert "GDPR 17(1)(c): objection" in page
    old = text(client.get(f"/proposals/{version.decision.proposal_id}/"))
    assert "Erased on" in old
    assert "Jane likes mail." not in old


def test_a_hold_is_shown_where_it_blocks_and_lifted_by_an_auditor(client, adam, aude, store, session):
    client.force_login(aude)
    form = {"kind": "store", "store": store.pk, "subject": "", "reason": "Case 12."}
    assert client.post("/legal-holds/set/", form)["Location"] == "/erasure/"
    hold = LegalHold.objects.get()
    assert "Case 12." in text(client.get("/erasure/"))
    client.force_login(adam)
    blocked = client.get(f"/erasure/session/{session.pk}/")
    assert blocked.status_code == 409
    assert "A legal hold keeps this." in text(blocked)
    client.force_login(aude)
    assert client.post(f"/legal-holds/{hold.pk}/lift/", {"reason": ""}).status_code == 422
    client.post(f"/legal-holds/{hold.pk}/lift/", {"reason": "Closed."})
    client.force_login(adam)
    assert client.get(f"/erasure/session/{session.pk}/").status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "planet", "subject": "x"},
        {"kind": "store"},
        {"kind": "session", "subject": "99"},
        {"kind": "session", "subject": "²"},
    ],
)
def test_a_hold_says_what_it_holds_and_why(client, aude, form):
    client.force_login(aude)
    assert client.post("/legal-holds/set/", {"reason": "Case 12.", **form}).status_code == 422
    assert not LegalHold.objects.exists()


def test_reviewers_see_what_was_erased_and_cannot_erase(client, rita, aude, session):
    set_hold(kind="principal", subject="someone", reason="Case 12.", actor=Actor.user(aude))
    client.force_login(rita)
    page = text(client.get("/erasure/"))
    assert "Case 12." in page
    assert "Show what would be erased" not in page
    assert "Set a hold" not in page
    assert f"/erasure/session/{session.pk}/" not in text(client.get(f"/sessions/{session.pk}/"))


class TestPagesOfErasedVersions:
    """Struck, with who and why; never an empty text, and never a difference that nobody can know."""

    @pytest.fixture
    def old(self, store, rita, adam):
        """r1 is erased, r2 changes it, r3 changes that."""
        old = make_live_memory(store, rita, path="/a.md", content="Jane waits.\nThen call.")
        middle = replace(old, rita, content="Wait.\nThen call.")
        replace(middle, rita, content="Wait.\nThen call.\nThen close.")
        run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        seen = preview(scope="version", subject=str(old.pk)).hits.token
        erase(scope="version", subject=str(old.pk), seen=seen, by=adam, legal_basis="other", reason="Request 12.")
        return old

    @pytest.mark.parametrize(
        "address",
        [
            "/memories/{memory}/",
            "/memories/{memory}/versions/1/",
            "/memories/{memory}/blame/?revision=1",
            "/stores/claims/at/?revision=1",
            "/stores/claims/changes/?from=0&to=1",
            "/stores/claims/changes/?from=1&to=3",
            "/proposals/{proposal}/",
        ],
    )
    def test_they_say_by_whom_and_on_which_basis(self, client, aude, old, address):
        client.force_login(aude)
        page = text(client.get(address.format(memory=old.memory_id, proposal=old.decision.proposal_id)))
        assert "by adam, legal basis: Other, as the reason says." in page
        assert "It has no text" not in page
        assert "Nothing differs" not in page

    @pytest.mark.parametrize("address", ["/memories/{memory}/", "/memories/{memory}/versions/2/"])
    def test_the_next_version_says_that_what_it_changed_is_not_known(self, client, aude, old, address):
        client.force_login(aude)
        page = text(client.get(address.format(memory=old.memory_id)))
        assert "The text of the version before is erased" in page

    def test_no_line_is_followed_back_beyond_it(self, old):
        stretches = attributed(old.memory, 3)
        assert [(one.version.revision, one.lines, one.or_older) for one in stretches] == [
            (2, ["Wait.", "Then call."], True),
            (3, ["Then close."], False),
        ]

    def test_a_session_that_was_served_it_shows_it_as_erased(self, client, aude, old, session):
        MemoryRead.objects.create(
            agent=session.agent, session_external_id=session.external_id, store=old.store, revision=1
        )
        client.force_login(aude)
        assert "erased since" in text(client.get(f"/sessions/{session.pk}/memory/"))

    def test_what_was_made_against_it_is_not_rebased_as_if_it_had_been_empty(self, store, rita, adam):
        base = make_live_memory(store, rita, content="Jane waits.")
        stale = make_proposal(store, operation="update", path=base.path, base_version=base, content="Jane calls.")
        replace(base, rita, content="Wait.")
        run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        seen = preview(scope="version", subject=str(base.pk)).hits.token
        erase(scope="version", subject=str(base.pk), seen=seen, by=adam, legal_basis="other", reason="Request 12.")
        with pytest.raises(Refused, match="is erased"):
            rebase(proposal_id=stale.pk, by=rita)
