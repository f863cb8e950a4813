"""Bulk, stops, second looks and settings in a real Chromium: by hand, narrow, and Enter decides nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from audit.actors import Actor
from memory.stopping import stop_store
from reviews.models import Decision, ReviewSettings, SecondLook
from tests.browser.test_desk import desk, sign_in
from tests.factories import make_agent, make_live_memory, make_proposal, make_store

__all__ = ["desk"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    store = make_store("claims", [make_agent("teller")])
    ReviewSettings.objects.create(store=store, bulk_allowed=True)
    return store


def test_two_are_picked_by_hand_and_enter_approves_none_of_them(desk, live_server, store):
    first, second, left = (make_proposal(store) for _ in range(3))
    desk.reload()
    desk.locator(f"#pick-{first.pk}").check()
    desk.locator(f"#pick-{second.pk}").check()
    desk.get_by_role("button", name="Review picked…").click()
    expect(desk.get_by_role("heading", name="2 picked in claims")).to_be_visible()

    desk.get_by_label("Why these may go live").fill("Plain and well supported.")
    desk.keyboard.press("Enter")
    desk.wait_for_timeout(300)
    assert not Decision.objects.exists()

    desk.get_by_role("button", name="Approve these 2").click()
    expect(desk.get_by_role("heading", name="2 of 2 approved")).to_be_visible()
    left.refresh_from_db()
    assert left.is_open


def test_enter_in_a_note_answers_no_second_look(desk, live_server):
    store = make_store("auto", [make_agent(mode="auto"), make_agent(mode="auto")])
    ReviewSettings.objects.create(store=store, second_look_share=100)
    decision = make_proposal(store).decision
    desk.goto(f"{live_server.url}/second-looks/")
    desk.get_by_label("Note, kept in the record").fill("Hm.")
    desk.keyboard.press("Enter")
    desk.wait_for_timeout(300)
    assert SecondLook.objects.get().state == "waiting"

    desk.get_by_role("button", name="Reverse it").click()
    expect(desk.get_by_text(f"{decision.path} is gone from auto")).to_be_visible()


@pytest.fixture
def narrow(browser, live_server, adam) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, live_server.url, "adam")
    yield page
    context.close()


def test_narrow_pages_do_not_scroll_sideways(narrow, live_server, store, rita, adam):
    make_live_memory(store, rita)
    proposal = make_proposal(store, title="x" * 200, content="y" * 3_000)
    stop_store(store_id=store.pk, actor=Actor.user(adam), reason="z" * 300)
    addresses = ["/", "/stores/", "/stores/claims/", "/stores/claims/review/", "/second-looks/"]
    for address in [*addresses, f"/bulk/?pick={proposal.pk}", f"/proposals/{proposal.pk}/"]:
        narrow.goto(f"{live_server.url}{address}")
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 360, address
