"""The desk in a real Chromium: by keyboard, without JavaScript, narrow, and never a step that nobody meant."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from memory.models import Memory
from memory.services import QuoteDraft
from reviews.models import Decision
from tests.factories import make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'> admin\u202etxt.exe \x1b[31m" + "x" * 3_000
)
# What Chromium itself logs about an answer of 4xx is no error of the page.
NOT_OURS = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller"), make_agent("clerk")])


@pytest.fixture
def desk(page: Page, live_server, rita) -> Iterator[Page]:
    """A signed-in page; at the end it must have logged no error and broken no content policy."""
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: (
            message.type in ("error", "warning") and NOT_OURS not in message.text and wrong.append(message.text)
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    sign_in(page, live_server.url, "rita")
    yield page
    assert wrong == []


def sign_in(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(f"{name}-password")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def settled(page: Page) -> None:
    """A key that decides is taken only once the page stood for a moment."""
    page.wait_for_timeout(700)


def test_a_morning_by_keyboard_alone(desk, live_server, store):
    """Open the first from the queue; approve one, reject one, edit one, go on to the next."""
    first, second, third, fourth = (make_proposal(store, benefit=benefit) for benefit in (4, 3, 2, 1))
    desk.reload()
    desk.keyboard.press("j")
    desk.keyboard.press("o")
    desk.wait_for_url(f"**/proposals/{first.pk}/")

    settled(desk)
    desk.keyboard.press("a")
    desk.wait_for_url(f"**/proposals/{second.pk}/")
    expect(desk.get_by_text("is live in claims at revision r1")).to_be_visible()

    desk.keyboard.press("r")
    desk.keyboard.type("It hides the cause; a j and k, too.")
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url(f"**/proposals/{third.pk}/")

    desk.keyboard.press("e")
    desk.keyboard.press("Control+A")
    desk.keyboard.type("Wait for noon.")
    expect(desk.locator("#preview ins")).to_have_text("Wait for noon.")
    desk.keyboard.press("Escape")
    desk.get_by_role("button", name="Approve with edits").focus()
    desk.keyboard.press("Space")
    desk.wait_for_url(f"**/proposals/{fourth.pk}/")

    verdicts = list(Decision.objects.order_by("pk").values_list("verdict", "reason"))
    assert verdicts == [("approve", ""), ("reject", "It hides the cause; a j and k, too."), ("approve_with_edits", "")]
    assert [memory.head.content for memory in Memory.objects.order_by("pk")] == [first.content, "Wait for noon."]


def test_enter_never_decides(desk, live_server, store):
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    settled(desk)

    desk.keyboard.press("Enter")
    desk.locator("#reason").fill("A reason")
    desk.locator("#reason").press("Enter")
    desk.locator("#reason").press("Control+Enter")
    desk.locator("a[data-key=e]").click()
    desk.locator("#edit-path").fill("/other.md")
    desk.locator("#edit-path").press("Enter")
    settled(desk)

    assert desk.url == f"{live_server.url}/proposals/{proposal.pk}/"
    assert not Decision.objects.exists()


def test_enter_decides_nothing_without_javascript_either(browser: Browser, live_server, rita, store):
    proposal = make_proposal(store)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "rita")
    page.goto(f"{live_server.url}/proposals/{proposal.pk}/")

    page.locator("#reason").fill("A reason")
    page.locator("#reason").press("Enter")
    assert page.url.endswith(f"/proposals/{proposal.pk}/")
    assert not Decision.objects.exists()

    page.get_by_text("Edit before approving").click()
    page.locator("#edit-text").fill("Wait for noon.")
    page.get_by_role("button", name="Approve with edits").click()
    expect(page.get_by_text("is live in claims")).to_be_visible()
    context.close()
    assert Memory.objects.get().head.content == "Wait for noon."


def test_keys_are_silent_while_typing_and_nothing_is_focused_at_first(desk, live_server, store):
    proposal = make_proposal(store)
    make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    assert desk.evaluate("document.activeElement === document.body")
    settled(desk)

    desk.locator("#reason").focus()
    desk.keyboard.type("jar?")

    expect(desk.locator("#reason")).to_have_value("jar?")
    expect(desk.locator("#keys")).not_to_be_visible()
    assert not Decision.objects.exists()
    desk.keyboard.press("Escape")
    desk.keyboard.press("?")
    expect(desk.locator("#keys")).to_be_visible()


def test_a_second_press_does_not_decide_the_next_one(desk, live_server, store):
    first, second = (make_proposal(store, benefit=benefit) for benefit in (2, 1))
    desk.goto(f"{live_server.url}/proposals/{first.pk}/")
    settled(desk)

    desk.keyboard.press("a")
    desk.wait_for_url(f"**/proposals/{second.pk}/")
    desk.keyboard.press("a")

    expect(desk.get_by_text("This is the next one")).to_be_visible()
    assert Decision.objects.get().proposal == first


def test_a_flagged_one_asks_before_the_key_approves(desk, live_server, store):
    proposal = make_proposal(store, content="See https://example.com/x for it")
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    settled(desk)

    desk.keyboard.press("a")
    expect(desk.get_by_text("It is flagged")).to_be_visible()
    assert not Decision.objects.exists()

    desk.keyboard.press("Space")
    desk.keyboard.press("a")
    desk.wait_for_url(f"{live_server.url}/")
    assert Decision.objects.get().verdict == "approve"


def test_two_browsers_race_and_the_loser_keeps_the_edit(desk, browser: Browser, live_server, store):
    proposal = make_proposal(store)
    address = f"{live_server.url}/proposals/{proposal.pk}/"
    desk.goto(address)
    desk.locator("a[data-key=e]").click()
    desk.locator("#edit-text").fill("My careful wording.")
    other = browser.new_context().new_page()
    sign_in(other, live_server.url, "rita")
    other.goto(address)
    other.locator("#reason").fill("We know already.")
    other.get_by_role("button", name="Reject").click()
    other.wait_for_url(f"{live_server.url}/")
    other.context.close()

    desk.get_by_role("button", name="Approve with edits").click()

    expect(desk.get_by_text("We know already.")).to_be_visible()
    expect(desk.get_by_label("Text")).to_have_value("My careful wording.")
    assert not Memory.objects.exists()


def test_a_refused_edit_is_still_there_and_still_counts_as_one(desk, live_server, store):
    proposal = make_proposal(store)
    desk.goto(f"{live_server.url}/proposals/{proposal.pk}/")
    desk.locator("a[data-key=e]").click()
    desk.locator("#edit-text").fill("My careful wording.")
    desk.locator("#decide [value=approve]").click()

    expect(desk.get_by_text("You changed the text")).to_be_visible()
    expect(desk.locator("#edit-text")).to_have_value("My careful wording.")
    desk.locator("#edit-text").press("Escape")
    settled(desk)
    desk.keyboard.press("a")
    expect(desk.get_by_text("Approve with edits, or take them back")).to_be_visible()
    assert not Decision.objects.exists()


def test_filters_swap_the_table_and_can_be_bookmarked(desk, live_server, store):
    shown = make_proposal(store, kind="workflow", title="A workflow")
    make_proposal(store, kind="preference", title="A preference")
    desk.reload()

    desk.get_by_label("Kind").select_option("workflow")
    expect(desk.get_by_text("A preference")).not_to_be_visible()
    desk.wait_for_url("**kind=workflow**")
    desk.reload()
    expect(desk.get_by_role("link", name="A workflow")).to_have_attribute(
        "href", f"/proposals/{shown.pk}/?kind=workflow"
    )
    desk.get_by_role("link", name="Decided").click()
    expect(desk.get_by_text("Nothing matches what you chose")).to_be_visible()
    desk.go_back()
    expect(desk.get_by_role("link", name="A workflow")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1360, 2560])
def test_no_page_scrolls_sideways_and_hostile_text_does_nothing(desk, live_server, rita, store, width, scheme):
    session = make_session(store.agents.first(), [HOSTILE], task=HOSTILE)
    base = make_live_memory(store, rita, path="/a-rather-long-path/" + "segment/" * 20 + "end.md", content=HOSTILE)
    quotes = [QuoteDraft(session.pk, 0, HOSTILE, stance) for stance in ("supports", "contradicts")]
    fields = {"title": HOSTILE, "rationale": HOSTILE, "content": HOSTILE + " more", "evidence": quotes}
    proposal = make_proposal(store, session, operation="update", base_version=base, path=base.path, **fields)
    desk.set_viewport_size({"width": width, "height": 800})
    desk.emulate_media(color_scheme=scheme)

    for address in ("/", "/?tab=decided", f"/proposals/{proposal.pk}/", f"/sessions/{session.pk}/?at=0", "/nowhere"):
        desk.goto(live_server.url + address)
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, address
        assert desk.evaluate("window.hacked") is None


def test_the_first_tab_stop_skips_to_the_content(desk, live_server, store):
    make_proposal(store)
    desk.reload()

    desk.keyboard.press("Tab")
    expect(desk.get_by_text("Skip to the content")).to_be_focused()
    desk.keyboard.press("Enter")

    assert desk.evaluate("document.activeElement.id") == "main"
