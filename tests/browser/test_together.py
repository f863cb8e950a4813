"""Two people at one proposal, each in a browser of their own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from memory.models import Memory
from reviews import holding
from reviews.commenting import comment
from reviews.models import Decision, HeldBallot, ReviewSettings
from tests.browser.test_desk import settled, sign_in
from tests.factories import make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def ritas(page: Page, live_server, rita) -> Page:
    sign_in(page, live_server.url, "rita")
    return page


@pytest.fixture
def ruths(browser: Browser, live_server, ruth) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, live_server.url, "ruth")
    yield page
    context.close()


@pytest.fixture
def no_broker(monkeypatch) -> None:
    """Nobody listens; the sweep would find it. Waiting for a broker that is away takes its time."""
    monkeypatch.setattr(holding.current_app, "send_task", lambda *_, **__: None)


def ask_now(page: Page) -> None:
    """What the page does by itself every ten seconds."""
    page.evaluate("htmx.trigger('#state', 'poll')")


def reject(page: Page, reason: str) -> None:
    page.locator("#reason").fill(reason)
    page.get_by_role("button", name="Reject").click()
    page.wait_for_load_state()


def test_of_two_who_race_one_decides_and_the_other_is_told(ritas, ruths, live_server, store):
    proposal = make_proposal(store)
    for page in (ritas, ruths):
        page.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    settled(ritas)

    ritas.keyboard.press("a")
    ritas.wait_for_url(f"{live_server.url}/")
    ruths.locator("#decide [value=approve]").click()

    expect(ruths.get_by_role("heading", name="Somebody was faster")).to_be_visible()
    expect(ruths.get_by_text("rita approved it on")).to_be_visible()
    assert Decision.objects.get().decider_name == "rita"


def test_the_open_page_says_that_the_other_browser_decided_and_approves_no_more(ritas, ruths, live_server, store):
    proposal = make_proposal(store)
    ritas.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    ruths.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    expect(ruths.get_by_text("is reading this")).to_be_visible()
    reject(ruths, "It hides the cause.")

    ask_now(ritas)

    expect(ritas.get_by_text("ruth rejected it.")).to_be_visible()
    expect(ritas.locator("#decide [value=approve]")).to_be_disabled()
    settled(ritas)
    ritas.keyboard.press("a")
    expect(ritas.get_by_text("It changed while you had it open").last).to_be_visible()
    ritas.get_by_role("link", name="Read it as it is now").click()
    expect(ritas.get_by_text("It hides the cause.").first).to_be_visible()


def test_it_asks_by_itself_and_not_while_nobody_looks(ritas, live_server, store):
    proposal = make_proposal(store)
    asked: list[str] = []
    ritas.on("request", lambda request: "/state/" in request.url and asked.append(request.url))
    ritas.clock.install()
    ritas.goto(f"{live_server.url}/proposals/{proposal.pk}/")

    with ritas.expect_response("**/state/**"):
        ritas.clock.run_for(10_500)
    ritas.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden'})")
    ritas.clock.run_for(60_000)

    assert len(asked) == 1


def test_approving_after_a_colleagues_edit_shows_the_newer_wording(ritas, ruths, live_server, store):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    proposal = make_proposal(store, content="Wait.")
    for page in (ritas, ruths):
        page.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    ruths.locator("a[data-key=e]").click()
    ruths.locator("#edit-text").fill("Wait for noon.")
    ruths.get_by_role("button", name="Approve with edits").click()
    expect(ruths.get_by_text("Your wording waits as prop_")).to_be_visible()

    ritas.locator("#decide [value=approve]").click()

    expect(ritas.get_by_role("heading", name="A colleague reworded it")).to_be_visible()
    ritas.get_by_role("link", name=f"prop_{proposal.pk + 1}", exact=True).first.click()
    expect(ritas.get_by_text("ruth wrote it and is one")).to_be_visible()
    ritas.locator("#decide [value=approve]").click()
    ritas.wait_for_url(f"{live_server.url}/")
    assert Memory.objects.get().head.content == "Wait for noon."


def test_a_decision_is_undone_by_a_key_while_it_is_held_back(ritas, live_server, store, no_broker):
    ReviewSettings.objects.create(store=store, hold_back_seconds=120)
    proposal = make_proposal(store)
    ritas.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    settled(ritas)
    ritas.keyboard.press("a")
    ritas.wait_for_url(f"{live_server.url}/")
    expect(ritas.get_by_text("that takes effect at")).to_be_visible()

    ritas.keyboard.press("u")

    ritas.wait_for_url(f"**/proposals/{proposal.pk}/")
    expect(ritas.get_by_text("Taken back: nothing took effect")).to_be_visible()
    expect(ritas.locator("#decide [value=approve]")).to_be_enabled()
    assert HeldBallot.objects.get().state == "undone"
    assert not Decision.objects.exists()


def test_without_a_hold_back_the_key_leads_to_the_reverse(ritas, live_server, store):
    proposal = make_proposal(store)
    ritas.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    settled(ritas)
    ritas.keyboard.press("a")
    ritas.wait_for_url(f"{live_server.url}/")

    ritas.keyboard.press("u")
    ritas.get_by_label("Why should it not stay?").fill("It misleads.")
    ritas.get_by_role("button", name="File the reverse").click()

    expect(ritas.get_by_text("takes it back once it is approved")).to_be_visible()
    expect(ritas.get_by_text("removed for every reader")).to_be_visible()


def test_a_rebase_that_meets_another_change_takes_the_reviewers_words(ritas, ruths, live_server, store, ruth):
    base = make_live_memory(store, ruth, path="/a.md", content="Wait for noon.\n\nThen post.")
    update = {"operation": "update", "path": "/a.md", "base_version": base}
    winner, late = (
        make_proposal(store, content=f"{text}\n\nThen post.", **update) for text in ("Wait.", "Never wait.")
    )
    ritas.goto(f"{live_server.url}/proposals/{late.pk}/")
    ruths.goto(f"{live_server.url}/proposals/{winner.pk}/")
    ruths.locator("#decide [value=approve]").click()
    ruths.wait_for_load_state()

    ask_now(ritas)
    expect(ritas.get_by_text(f"/a.md changed when ruth approved {winner.public_id}.")).to_be_visible()
    ritas.get_by_role("link", name="Read it as it is now").click()
    ritas.get_by_role("button", name="Rebase").click()
    expect(ritas.get_by_role("textbox")).to_have_value("Wait.\nNever wait.\n\nThen post.")
    ritas.get_by_role("textbox").fill("Wait, but not long.\n\nThen post.")
    ritas.get_by_role("button", name="Put it forward").click()

    expect(ritas.get_by_text("says the same about what is live now")).to_be_visible()
    expect(ritas.locator("#change ins")).to_have_text(", but not long")


def test_signed_out_meanwhile_the_page_stays_with_what_was_typed(ritas, live_server, store):
    proposal = make_proposal(store)
    ritas.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    ritas.locator("#reason").fill("My careful reason")
    ritas.context.clear_cookies()

    ask_now(ritas)

    expect(ritas.get_by_text("You are signed out")).to_be_visible()
    expect(ritas.locator("#reason")).to_have_value("My careful reason")


def test_a_mention_leads_to_the_comment(ritas, live_server, store, rita, ruth):
    proposal = make_proposal(store)
    comment(proposal_id=proposal.pk, author=ruth, body="@rita, <b>look</b> at the second quote.")
    ritas.reload()

    ritas.get_by_role("link", name="1 mention").click()
    ritas.get_by_role("link", name=proposal.title).click()

    expect(ritas.get_by_text("@rita, <b>look</b> at the second quote.")).to_be_visible()
    ritas.locator("#comment-body").fill("Seen.")
    ritas.get_by_role("button", name="Comment").click()
    expect(ritas.get_by_text("Seen.")).to_be_visible()
    expect(ritas.get_by_role("link", name="1 mention")).not_to_be_visible()
