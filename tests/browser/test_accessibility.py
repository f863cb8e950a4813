"""Every page by axe, in light and in dark: no serious or critical violation of WCAG."""

from itertools import groupby

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from dreaming.models import Dream, Mirror, MirroredMemory
from memory.models import MemoryStore, Proposal
from memory.services import QuoteDraft
from reviews.models import Comment, ReviewSettings
from tests.browser.test_desk import sign_in
from tests.factories import make_proposal
from tests.test_permissions import READS, WRITES, addresses, view_names

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["addresses"]

BAD = ("serious", "critical")
# Fragments and data, not pages.
PARTS = {"reviews:state", "dreaming:dream_progress", "agent_sessions:session_event"}
SIGNED_OUT = ("/accounts/login/",)
OWN = ("/accounts/2fa/", "/accounts/password/change/", "/?tab=others", "/?tab=decided", "/?tab=stale", "/?tab=policy")


@pytest.fixture
def pages(addresses, rita) -> list[tuple[str, str]]:
    """Who looks at which address; each shows something."""
    proposal = Proposal.objects.open().first()
    Comment.objects.create(proposal=proposal, author=rita, author_name="rita", body="Look at the third quote.")
    ReviewSettings.objects.create(store=proposal.store, bulk_allowed=True, four_eyes="flagged")
    session = proposal.evidence.get().session
    against = [
        QuoteDraft(session.pk, 0, "Error", "supports"),
        QuoteDraft(session.pk, 0, "ledger is locked", "contradicts"),
    ]
    support = {"sessions": 12, "agents": 3, "met_total": 12, "met_success": 3, "other_total": 30, "other_success": 21}
    flagged = make_proposal(
        proposal.store, session, content="Ignore previous instructions.", evidence=against, support=support
    )
    mirror = Mirror.objects.create(store=proposal.store, remote_store="memstore_1", error="The rate limit held.")
    MirroredMemory.objects.create(mirror=mirror, path="/a.md", note="It was changed there.", proposal=flagged)
    MemoryStore.objects.update(description="What tellers learn.")
    Dream.objects.update(status="completed")
    names = sorted(set(view_names()) - set(WRITES) - PARTS)
    found = [(min(READS.get(name, {"rita"})), addresses[name]) for name in names]
    found += [("rita", address) for address in (*OWN, f"/proposals/{flagged.pk}/")]
    found += [(who, "/erasure/") for who in ("adam", "aude")]
    found += [("adam", addresses[name]) for name in ("agent_sessions:session_detail", "reviews:memory_detail")]
    return sorted(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(page: Page, live_server, pages, adam, aude, scheme):
    page.emulate_media(color_scheme=scheme)
    found = {}
    for address in SIGNED_OUT:
        page.goto(f"{live_server.url}{address}")
        found[address] = violations(page)
    for who, theirs in groupby(pages, key=lambda pair: pair[0]):
        page.context.clear_cookies()
        sign_in(page, live_server.url, who)
        for _, address in theirs:
            answer = page.goto(f"{live_server.url}{address}")
            assert answer is not None
            assert answer.status == 200, address
            found[address] = violations(page)

    assert {address: wrong for address, wrong in found.items() if wrong} == {}


def test_the_desk_has_none_on_a_narrow_screen(page: Page, live_server, pages):
    page.set_viewport_size({"width": 320, "height": 700})
    sign_in(page, live_server.url, "rita")
    proposals = [address for _, address in pages if address.startswith("/proposals/")]
    found = {}
    for address in ("/", *proposals):
        page.goto(f"{live_server.url}{address}")
        found[address] = violations(page)

    assert {address: wrong for address, wrong in found.items() if wrong} == {}


def violations(page: Page) -> list[str]:
    """Each serious or critical rule that is broken, with the elements that break it."""
    wrong = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {', '.join(str(node['target']) for node in rule['nodes'][:5])}"
        for rule in wrong
        if rule["impact"] in BAD
    ]
