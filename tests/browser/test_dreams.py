"""The dreams' rooms in a real Chromium: an estimate in its place, the same without JavaScript, and no page too wide."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_desk import HOSTILE, sign_in
from tests.factories import make_agent, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    agent = make_agent("teller")
    make_session(agent, outcome="success", outcome_source=HOSTILE, outcome_score=0.4, task_id="t", principal=HOSTILE)
    make_session(agent, outcome="failure")
    return make_store("claims", [agent])


@pytest.fixture
def desk(page: Page, live_server, adam) -> Page:
    sign_in(page, live_server.url, "adam")
    return page


def test_an_estimate_comes_in_its_place_and_keeps_what_was_typed(desk, live_server, store):
    desk.goto(f"{live_server.url}/dreams/")
    desk.get_by_label("Window").fill("1")

    desk.get_by_role("button", name="Estimate").click()
    expect(desk.get_by_text("1 in the window")).to_be_visible()
    assert desk.url == f"{live_server.url}/dreams/"
    expect(desk.get_by_label("Window")).to_have_value("1")

    desk.get_by_label("Window").fill("soon")
    desk.get_by_role("button", name="Estimate").click()
    expect(desk.get_by_text("'soon' is not a window")).to_be_visible()
    expect(desk.get_by_text("1 in the window")).not_to_be_visible()


def test_an_estimate_without_javascript(browser: Browser, live_server, adam, store):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, "adam")
    page.goto(f"{live_server.url}/dreams/")

    page.get_by_role("button", name="Estimate").click()

    expect(page.get_by_text("2 in the window")).to_be_visible()
    expect(page.get_by_text("Counting …")).not_to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [320, 1360])
def test_readiness_never_scrolls_sideways(desk, live_server, store, width):
    desk.set_viewport_size({"width": width, "height": 800})

    desk.goto(f"{live_server.url}/stores/claims/readiness/")

    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    assert desk.evaluate("window.hacked") is None
    expect(desk.get_by_text("in the middle, from 0.40 to 0.40")).to_be_visible()
