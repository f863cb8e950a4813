"""History in a real Chromium: without JavaScript, on a narrow screen, and on paper."""

import pytest
from playwright.sync_api import Browser, Page, expect

from memory.models import MemoryVersion
from tests.browser.test_desk import HOSTILE, desk, sign_in  # noqa: F401  (a fixture)
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(rita) -> MemoryVersion:
    """A memory at r2, with a long path and hostile text, that r1 held otherwise."""
    store = make_store("claims", [make_agent("teller")])
    path = "/a-rather-long-path/" + "segment/" * 20 + "end.md"
    first = make_live_memory(store, rita, path=path, content=f"One.\n{HOSTILE}\n" + "x" * 300)
    update = make_proposal(store, operation="update", path=path, base_version=first, content=f"{first.content}\nTwo.")
    return approve(update, rita).version


def addresses(version: MemoryVersion) -> list[str]:
    session = make_session(make_agent("reader"), external_id="x" * 120)
    return [
        "/stores/claims/at/",
        "/stores/claims/changes/",
        f"/memories/{version.memory_id}/",
        f"/memories/{version.memory_id}/blame/",
        f"/memories/{version.memory_id}/versions/2/",
        f"/sessions/{session.pk}/memory/",
        "/record/",
        "/record/1/",
        "/agents/teller/memory/",
    ]


@pytest.mark.parametrize("width", [320, 1360])
def test_no_page_of_history_scrolls_sideways_and_hostile_text_does_nothing(desk, live_server, version, width):  # noqa: F811
    desk.set_viewport_size({"width": width, "height": 800})
    for address in addresses(version):
        desk.goto(live_server.url + address)
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, address
        assert desk.evaluate("window.hacked") is None, address


def test_the_way_from_a_store_to_the_reason_of_a_line_and_to_an_extract_needs_no_javascript(
    browser: Browser, live_server, rita, version
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "rita")
    page.goto(f"{live_server.url}/stores/claims/")
    page.get_by_role("link", name="At another moment").click()
    page.get_by_role("link", name="r1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("claims at revision 1")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("1 created", exact=True)).to_be_visible()
    page.goto(f"{live_server.url}/stores/claims/at/?revision=2")
    page.get_by_role("link", name="line by line").click()
    expect(page.locator(".blame > li").last).to_contain_text("r2")
    page.locator(".blame > li").last.get_by_role("link", name="rita").click()
    expect(page).to_have_url(f"{live_server.url}/proposals/{version.decision.proposal_id}/")

    page.goto(f"{live_server.url}/record/")
    page.get_by_role("searchbox", name="Words in entries").fill("published")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2 entries.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    assert download.value.suggested_filename.endswith("-2-entries.csv")
    context.close()


def test_on_paper_there_is_what_is_said_and_nothing_to_press(desk: Page, live_server, version):  # noqa: F811
    desk.emulate_media(media="print")
    for address in [*addresses(version), f"/proposals/{version.decision.proposal_id}/"]:
        desk.goto(live_server.url + address)
        expect(desk.locator("h1").first).to_be_visible()
        assert desk.locator("main button:visible, header nav:visible").count() == 0, address
    desk.goto(f"{live_server.url}/memories/{version.memory_id}/blame/")
    expect(desk.locator(".blame").get_by_text("Two.")).to_be_visible()


def test_the_slider_tells_its_revision_and_leads_to_it(desk: Page, live_server, version):  # noqa: F811
    desk.goto(f"{live_server.url}/stores/claims/at/")
    slider = desk.locator("#slide")
    slider.press("ArrowLeft")
    expect(desk.locator("output")).to_have_text("1")
    slider.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("claims at revision 1")
