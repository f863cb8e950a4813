"""Signing in a real Chromium: by keyboard alone, in the form that decides, with and without JavaScript."""

import pytest
from playwright.sync_api import Browser, Page, expect

from memory.models import Memory
from reviews.models import Decision, ReviewSettings, Signature
from tests.browser.test_accessibility import violations
from tests.browser.test_desk import desk, settled, sign_in
from tests.factories import make_agent, make_proposal, make_store
from tests.signers import can_sign, code

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["desk"]


@pytest.fixture
def store():
    store = make_store("claims", [make_agent("teller")])
    ReviewSettings.objects.create(store=store, signatures=True, four_eyes="flagged", waivers_allowed=True)
    return store


def test_signing_a_morning_by_keyboard_alone(desk: Page, live_server, rita, store):
    """The first in full, then one field each: approve, reject; a refused signature loses nothing."""
    can_sign(rita, "Rita Reyes")
    first, second, third = (make_proposal(store, benefit=benefit) for benefit in (3, 2, 1))
    desk.goto(f"{live_server.url}/proposals/{first.pk}/")
    assert violations(desk) == []

    settled(desk)
    desk.keyboard.press("a")
    expect(desk.get_by_label("Password, to sign")).to_be_focused()
    desk.keyboard.type("rita-password")
    desk.keyboard.press("Enter")
    assert not Decision.objects.exists()
    desk.keyboard.press("Tab")
    desk.keyboard.type(code())
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url(f"**/proposals/{second.pk}/")

    desk.keyboard.press("r")
    desk.keyboard.type("It hides the cause.")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_label("Password or code, to sign")).to_be_focused()
    desk.keyboard.type("not my password")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_role("alert")).to_contain_text("The signature was refused")
    expect(desk.locator("#reason")).to_have_value("It hides the cause.")
    desk.locator("body").press("r")
    desk.keyboard.press("Control+Enter")
    desk.keyboard.type("rita-password")
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url(f"**/proposals/{third.pk}/")

    assert list(Signature.objects.values_list("meaning", "components")) == [
        ("approved", ["password", "code"]),
        ("rejected", ["password"]),
    ]
    desk.goto(f"{live_server.url}/proposals/{second.pk}/")
    expect(desk.locator(".decision .signature")).to_contain_text("Signed by Rita Reyes")


def test_an_edit_and_alone_where_two_are_asked_are_signed_without_javascript(
    browser: Browser, live_server, rita, store
):
    proposal = make_proposal(store, content="See https://example.org/fix for how.")
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, live_server.url, "rita")
    can_sign(rita, "Rita Reyes")
    page.goto(f"{live_server.url}/proposals/{proposal.pk}/")

    page.locator("#edit summary").click()
    page.locator("#edit-text").fill("Wait for noon.")
    page.locator(".waive summary").click()
    page.get_by_label("Emergency").check()
    page.locator("[name=flags_read]").check()
    page.locator("#reason").fill("Agents overpay now.")
    page.get_by_label("Password, to sign").fill("rita-password")
    page.get_by_label("Code of your authenticator app").fill(code())
    page.get_by_role("button", name="Approve with edits").click()

    expect(page.get_by_text("published by you alone")).to_be_visible()
    expect(page.get_by_text("1 published by one person")).to_be_visible()
    assert Memory.objects.get().head.content == "Wait for noon."
    assert Decision.objects.get().signature.meaning == "alone"
