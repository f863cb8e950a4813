"""The main job as a newcomer does it: the demo fleet, a browser, and an agent with a key."""

import json
import urllib.request
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from memory.models import Proposal
from reviews.models import Decision

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "dawn-over-the-harbour"


@pytest.fixture
def demo(monkeypatch) -> None:
    monkeypatch.setenv("DAYLIGHT_DEMO_PASSWORD", PASSWORD)
    call_command("load_demo")


@pytest.fixture
def visit(live_server, browser) -> Iterator:
    """Sign a demo user in, in a browser of their own."""
    contexts = []

    def sign_in(name: str) -> Page:
        contexts.append(browser.new_context(base_url=live_server.url))
        page = contexts[-1].new_page()
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{live_server.url}/")
        return page

    yield sign_in
    for context in contexts:
        context.close()


def issue_key(page: Page) -> str:
    page.get_by_role("link", name="Agents").click()
    page.get_by_role("link", name="claims-intake").click()
    page.get_by_text("Issue a key").click()
    page.get_by_label("Label").fill("a test")
    page.get_by_role("button", name="Issue the key").click()
    return page.locator("code.secret").inner_text()


def read_memory(url: str, key: str) -> dict[str, str]:
    """The texts by path, as the agent gets them over HTTP."""
    request = urllib.request.Request(
        f"{url}/api/v1/agents/claims-intake/memory?session=next", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        (store,) = json.load(response)["stores"]
    return {memory["path"]: memory["content"] for memory in store["memories"]}


def open_proposal(page: Page, proposal: Proposal) -> None:
    page.goto(f"/proposals/{proposal.pk}/")
    if page.get_by_label("I read the").count():
        page.get_by_label("I read the").check()


def test_approve_one_edit_one_reject_one_and_the_agent_reads_exactly_the_two(demo, visit, live_server):
    first, second, third = Proposal.objects.open().order_by("risk", "pk")[:3]
    key = issue_key(visit("adam"))
    before = read_memory(live_server.url, key)
    rita = visit("rita")
    expect(rita.get_by_role("heading", name="need you")).to_be_visible()

    open_proposal(rita, first)
    rita.get_by_role("button", name="Approve a").click()
    expect(rita.get_by_text(f"Approved {first.public_id}")).to_be_visible()
    open_proposal(rita, second)
    rita.get_by_text("Edit before approving").click()
    rita.get_by_role("textbox", name="Text").fill("Ask for the member number first.")
    rita.get_by_role("button", name="Approve with edits").click()
    expect(rita.get_by_text(f"Approved {second.public_id}")).to_be_visible()
    open_proposal(rita, third)
    rita.get_by_label("Reason, kept in the record").fill("It goes round a control.")
    rita.get_by_role("button", name="Reject r").click()
    expect(rita.get_by_text(f"Rejected {third.public_id}")).to_be_visible()

    after = read_memory(live_server.url, key)
    assert {path: text for path, text in after.items() if path not in before} == {
        first.path: first.content,
        second.path: "Ask for the member number first.",
    }
    assert Decision.objects.filter(decider_name="Rita Reviewer", proposal__source="dream").count() == 3


def test_an_auditor_follows_a_memory_back_to_its_evidence(demo, visit, live_server):
    rita, proposal = visit("rita"), Proposal.objects.open().order_by("risk", "pk")[0]
    open_proposal(rita, proposal)
    rita.get_by_label("Reason, kept in the record").fill("Nineteen sessions say so.")
    rita.get_by_role("button", name="Approve a").click()
    expect(rita.get_by_text(f"Approved {proposal.public_id}")).to_be_visible()

    aude = visit("aude")
    aude.get_by_role("link", name="Memory").click()
    aude.get_by_role("link", name="claims", exact=True).click()
    expect(aude.get_by_text("Nineteen sessions say so.")).to_be_visible()
    aude.get_by_role("link", name=proposal.path).click()
    expect(aude.get_by_text("by Rita Reviewer").first).to_be_visible()
    aude.get_by_role("link", name=proposal.public_id, exact=True).click()
    expect(aude.get_by_role("button", name="Approve")).to_have_count(0)
    aude.get_by_role("link", name="event").first.click()
    expect(aude.locator("mark").first).to_be_visible()
    aude.get_by_role("link", name="Record").click()
    expect(aude.get_by_role("cell", name="Memory version published").first).to_be_visible()
