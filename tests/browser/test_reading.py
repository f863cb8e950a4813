"""In a real Chromium: the page tells how long it was in view and what was opened; evidence first works without JavaScript."""

import pytest
from playwright.sync_api import Browser, Page, expect

from reviews.models import Decision, Reading, ReviewSettings
from tests.browser.test_desk import desk, sign_in, store  # noqa: F401  (fixtures)
from tests.factories import make_proposal

pytestmark = pytest.mark.django_db(transaction=True)


def test_time_in_view_and_evidence_opened_are_told_when_the_page_is_left(desk: Page, live_server, store):  # noqa: F811
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    desk.mouse.move(50, 50)
    desk.wait_for_timeout(1_600)

    desk.locator("#evidence figcaption a").click()
    desk.wait_for_url("**/sessions/**")

    for _ in range(50):
        reading = Reading.objects.get()
        if reading.evidence_opened:
            break
        desk.wait_for_timeout(100)
    assert 1 <= reading.dwell_seconds <= 10
    assert reading.evidence_opened == 1


def test_evidence_comes_first_and_the_rationale_after_a_press_without_javascript(
    browser: Browser,
    live_server,
    rita,
    store,  # noqa: F811
):
    ReviewSettings.objects.create(store=store, blind_share=100)
    proposal = make_proposal(store, rationale="Seen in nine of twelve.")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "rita")
    page.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    expect(page.get_by_text("Evidence first:")).to_be_visible()
    assert page.get_by_text("Seen in nine of twelve.").count() == 0

    page.get_by_role("button", name="Show the rationale").click()
    expect(page.get_by_text("Seen in nine of twelve.")).to_be_visible()

    page.locator("#reason").fill("It is right.")
    page.get_by_role("button", name="Approve").first.click()
    page.wait_for_url(f"{live_server.url}/")
    assert Decision.objects.get().proposal == proposal
    assert Reading.objects.get().dwell_seconds == 0
    context.close()
