"""Sessions in a real Chromium: searched, walked through by keyboard, without JavaScript, and on a narrow screen."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from sessions.indexing import index_sessions
from sessions.models import Event, Session
from tests.browser.test_desk import HOSTILE, desk, sign_in  # noqa: F401  (a fixture)
from tests.factories import make_agent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session() -> Session:
    """900 events: every hundredth a failed result, and a word that stands in one of them."""
    session = Session.objects.create(
        agent=make_agent("teller"),
        external_id="run",
        task=f"Close the month {HOSTILE}",
        occurred_at=timezone.now(),
        event_count=900,
        sha256="0" * 64,
    )
    Event.objects.bulk_create(
        Event(
            session=session,
            seq=seq,
            type="tool_result",
            tool="post_entry",
            output=f"Error {seq}: ledger locked{' needle' if seq == 500 else ''}" if seq % 100 == 0 else HOSTILE,
            is_error=seq % 100 == 0,
        )
        for seq in range(900)
    )
    index_sessions([session.pk])
    return session


def test_a_search_leads_to_the_event_and_keys_lead_on(desk, live_server, session):  # noqa: F811
    desk.goto(f"{live_server.url}/sessions/")
    desk.keyboard.press("/")
    desk.keyboard.type("needle")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**q=needle**")
    expect(desk.get_by_text("1 session matches.").last).to_be_visible()
    expect(desk.locator("#found-aloud")).to_contain_text("1 session matches.")
    desk.locator("#lookup-q").press("Escape")
    desk.keyboard.press("j")
    desk.keyboard.press("o")

    desk.wait_for_url(f"**/sessions/{session.pk}/?at=500&q=needle#e500")
    expect(desk.locator("#e500 mark")).to_be_in_viewport()
    desk.keyboard.press("n")
    expect(desk.locator("#e600")).to_be_focused()
    desk.keyboard.press("n")
    desk.wait_for_url("**at=700**#e700")
    expect(desk.locator("#e700")).to_be_in_viewport()
    desk.keyboard.press("p")
    desk.wait_for_url("**at=600**#e600")
    assert desk.evaluate("window.hacked") is None


def test_all_of_it_works_without_javascript(browser: Browser, live_server, rita, session):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "rita")
    page.get_by_role("link", name="Sessions").click()
    page.get_by_label("Words in the session").fill("needle")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Close the month").click()
    expect(page.locator("#e500 mark")).to_have_text("needle")
    page.get_by_role("searchbox", name="Find in this session").fill("ledger")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("9 events match")).to_be_visible()
    page.get_by_role("link", name="Next match").click()
    expect(page.locator(".timeline .on mark")).to_have_text("ledger")
    page.get_by_role("link", name="Next error").click()
    expect(page.locator(".timeline .on")).to_contain_text("error")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1360])
def test_no_page_of_sessions_scrolls_sideways(desk: Page, live_server, session, width, scheme):  # noqa: F811
    desk.set_viewport_size({"width": width, "height": 800})
    desk.emulate_media(color_scheme=scheme)
    addresses = (
        "/sessions/",
        "/sessions/?q=xxx*+or+needle",
        "/sessions/?q=absent",
        f"/sessions/{session.pk}/?q=locked",
    )
    for address in addresses:
        desk.goto(live_server.url + address)
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, address
        # What hides behind an edge counts as well.
        assert desk.evaluate(
            "[...document.querySelectorAll('main *')].every(e => e.closest('bdi, .mono, summary, .visually-hidden')"
            " || e.getBoundingClientRect().right <= innerWidth + 1)"
        ), address
