"""The flow of the desk in a real Chromium: fifty by keyboard, all of it without JavaScript, and a log-in that ends."""

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as LogIn
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from memory.models import Memory, Proposal
from reviews import queue as queues
from reviews.models import Decision, SavedView, Snooze
from reviews.reasons import REASONS
from tests.browser.test_desk import desk, settled, sign_in, store  # noqa: F401  (fixtures)
from tests.factories import make_proposal, make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_by_keyboard_alone(desk, live_server, rita, store):  # noqa: F811
    """Approve, reject for a usual reason, reject in own words, edit, snooze, in turns; the database says what came of it."""
    session = make_session(store.agents.first())
    rows = [make_proposal(store, session, benefit=100 - number) for number in range(50)]
    desk.reload()
    desk.keyboard.press("j")
    desk.keyboard.press("o")
    for number, proposal in enumerate(rows):
        desk.wait_for_url(f"**/proposals/{proposal.pk}/")
        desk.locator("#decide").wait_for()
        (approve, reject_for_a_usual_reason, reject, edit, snooze)[number % 5](desk, number)
    desk.wait_for_url(f"{live_server.url}/")

    assert Counter(Decision.objects.values_list("verdict", flat=True)) == {
        "approve": 10,
        "reject": 20,
        "approve_with_edits": 10,
    }
    usual = Decision.objects.filter(proposal__in=rows[1::5]).order_by("proposal_id").values_list("reason", flat=True)
    assert list(usual) == [dict(REASONS)[number // 5 % 9 + 1] for number in range(1, 50, 5)]
    own = Decision.objects.filter(proposal__in=rows[2::5]).order_by("proposal_id").values_list("reason", flat=True)
    assert list(own) == [f"Own words, jk axsu? {number}" for number in range(2, 50, 5)]
    live = set(Memory.objects.values_list("head__content", flat=True))
    assert live == {row.content for row in rows[::5]} | {f"Wait for noon. {number}" for number in range(3, 50, 5)}
    spans = [(row.until - timezone.now()) / timedelta(hours=1) for row in Snooze.objects.order_by("proposal_id")]
    assert [round(span) for span in spans] == ([1, 24, 168] * 4)[:10]
    assert set(Snooze.objects.values_list("proposal_id", "user_id")) == {(row.pk, rita.pk) for row in rows[4::5]}
    assert Proposal.objects.open().count() == 10


def approve(page: Page, number: int) -> None:
    settled(page)
    page.keyboard.press("a")


def reject_for_a_usual_reason(page: Page, number: int) -> None:
    page.keyboard.press("r")
    page.keyboard.press(str(number // 5 % 9 + 1))
    page.keyboard.press("Control+Enter")


def reject(page: Page, number: int) -> None:
    page.keyboard.press("r")
    page.keyboard.type(f"Own words, jk axsu? {number}")
    page.keyboard.press("Control+Enter")


def edit(page: Page, number: int) -> None:
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type(f"Wait for noon. {number}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve with edits")).to_be_focused()
    page.keyboard.press("Space")


def snooze(page: Page, number: int) -> None:
    page.keyboard.press("s")
    page.keyboard.press(str(number // 5 % 3 + 1))


def test_digits_are_typed_once_there_is_a_reason_and_do_nothing_elsewhere(desk, live_server, store):  # noqa: F811
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")

    desk.keyboard.press("4")
    expect(desk.locator("#reason")).to_have_value("")
    desk.keyboard.press("r")
    desk.keyboard.type("r2 says so")
    expect(desk.locator("#reason")).to_have_value("r2 says so")
    expect(desk.locator("#reasons")).not_to_have_attribute("open", "")
    desk.locator("#reason").fill("")
    desk.keyboard.press("4")
    expect(desk.locator("#reason")).to_have_value(dict(REASONS)[4])
    desk.keyboard.press("Enter")
    settled(desk)
    assert not Decision.objects.exists()


def test_x_leads_to_what_speaks_against_it_and_escape_closes_the_menus(desk, live_server, store):  # noqa: F811
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")

    desk.keyboard.press("s")
    expect(desk.get_by_role("button", name="an hour")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("button", name="an hour")).not_to_be_visible()
    desk.keyboard.press("1")
    settled(desk)
    assert not Snooze.objects.exists()


def test_the_whole_flow_without_javascript(browser: Browser, live_server, rita, store, monkeypatch):  # noqa: F811
    monkeypatch.setattr(queues, "PAGE_SIZE", 3)
    session = make_session(store.agents.first())
    flow = [make_proposal(store, session, kind="workflow", benefit=9 - number) for number in range(5)]
    make_proposal(store, session, title="A preference", kind="preference")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "rita")

    page.get_by_label("Kind").select_option("workflow")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("5 match what you chose")).to_be_visible()
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".desk tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Previous page").click()
    expect(page.locator(".desk tbody tr")).to_have_count(3)
    page.get_by_text("Save this view").click()
    page.get_by_label("What you chose above").fill("Ways of working")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Ways of working").click()
    assert page.url.endswith("/?kind=workflow")

    page.locator("a.t").first.click()
    page.get_by_role("button", name="Approve a", exact=True).click()
    expect(page.get_by_text("is live in claims")).to_be_visible()
    page.get_by_text("Usual reasons").click()
    page.get_by_text("It is known already.").click()
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Rejected")).to_be_visible()
    page.locator("#snooze-menu summary").click()
    page.get_by_role("button", name="an hour").click()
    expect(page.get_by_text("It waits for you under")).to_be_visible()
    page.get_by_text("Edit before approving").click()
    page.locator("#edit-text").fill("Wait for noon.")
    page.get_by_role("button", name="Approve with edits").click()
    page.wait_for_url(f"**/proposals/{flow[4].pk}/?kind=workflow")
    page.goto(f"{live_server.url}/?tab=others")
    page.locator("a.t").click()
    page.get_by_role("button", name="Wake").click()
    expect(page.get_by_text("is back in your queue")).to_be_visible()
    context.close()

    decided = Decision.objects.order_by("pk").values_list("proposal_id", "verdict", "reason")
    assert list(decided) == [
        (flow[0].pk, "approve", ""),
        (flow[1].pk, "reject", "It is known already."),
        (flow[3].pk, "approve_with_edits", ""),
    ]
    assert not Snooze.objects.exists()
    assert SavedView.objects.get().query == "kind=workflow"


def test_a_login_that_ends_while_typing_loses_nothing(desk, live_server, store):  # noqa: F811
    proposal = make_proposal(store, kind="workflow")
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/?kind=workflow")
    desk.locator("a[data-key=e]").click()
    desk.locator("#edit-text").fill("My careful wording.")
    desk.locator("#reason").fill("Clearer so.")
    expect(desk.locator("#preview ins")).to_contain_text("My careful wording.")
    LogIn.objects.all().delete()
    desk.locator("#edit-text").press("End")
    desk.keyboard.type("!")
    expect(desk.get_by_text("You are signed out. What you typed stays")).to_be_visible()

    desk.get_by_role("button", name="Approve with edits").click()
    expect(desk.get_by_text("You were signed out")).to_be_visible()
    expect(desk.get_by_label("Text")).to_have_value("My careful wording.!")
    assert not Decision.objects.exists()

    desk.get_by_role("link", name="Sign in").last.click()
    desk.get_by_label("Username").fill("rita")
    desk.get_by_label("Password").fill("rita-password")
    desk.get_by_role("button", name="Sign in").click()
    desk.wait_for_url(f"**/proposals/{proposal.pk}/?kind=workflow")
    expect(desk.locator("#edit-text")).to_have_value("My careful wording.!")
    expect(desk.locator("#reason")).to_have_value("Clearer so.")
    desk.get_by_role("button", name="Approve with edits").click()
    expect(desk.get_by_text("is live in claims")).to_be_visible()
    assert Memory.objects.get().head.content == "My careful wording.!"
    assert Decision.objects.get().reason == "Clearer so."


def test_a_login_that_ended_leads_back_to_the_proposal(desk, live_server, store):  # noqa: F811
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    LogIn.objects.all().delete()
    settled(desk)

    desk.keyboard.press("a")
    desk.get_by_label("Username").fill("rita")
    desk.get_by_label("Password").fill("rita-password")
    desk.get_by_role("button", name="Sign in").click()
    desk.wait_for_url(f"**/proposals/{proposal.pk}/")
    assert not Decision.objects.exists()


def test_the_next_one_is_fetched_ahead_and_a_decision_is_answered_afresh(desk, live_server, store):  # noqa: F811
    rows = [make_proposal(store, benefit=9 - number) for number in range(4)]
    with desk.expect_response(lambda answer: answer.url.endswith(f"/proposals/{rows[1].pk}/")) as ahead:
        desk.goto(f"{live_server.url}/proposals/{rows[0].pk}/")
    assert ahead.value.request.headers["sec-purpose"] == "prefetch"
    settled(desk)

    with desk.expect_response(lambda answer: answer.url.endswith(f"/proposals/{rows[2].pk}/")):
        desk.keyboard.press("j")
        desk.wait_for_url(f"**/proposals/{rows[1].pk}/")
    assert desk.evaluate("performance.getEntriesByType('navigation')[0].deliveryType") == "navigational-prefetch"

    settled(desk)
    desk.keyboard.press("a")
    desk.wait_for_url(f"**/proposals/{rows[2].pk}/")
    expect(desk.get_by_text("is live in claims at revision r1")).to_be_visible()
    assert desk.evaluate("performance.getEntriesByType('navigation')[0].deliveryType") == ""
    expect(desk.get_by_text("2 of 3")).to_be_visible()
