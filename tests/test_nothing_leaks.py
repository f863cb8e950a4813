"""What belongs to others is answered exactly as what does not exist, at every address with an id in it."""

import json
import re
from typing import Any

import pytest
from django.db import transaction

from dreaming.api import api
from memory.anthropic_api.urls import urlpatterns
from sessions.models import Agent
from sessions.services import issue_key
from sessions.streaming import open_session
from tests.factories import make_agent, make_live_memory, make_proposal, make_session, make_store
from tests.sessions.samples import ADMIN, session

pytestmark = pytest.mark.django_db
NONE = {
    "agent": "nobody-bot",
    "store": "no-store",
    "session_id": "no-session",
    "waiting_id": "no-waiting",
    "number": "900001",
    "memory": "900002",
    "version": "900003",
    "path": "/nothing/here.md",
    "text": "No store has this line.",
}
OUTCOME = {"outcome": {"status": "success"}}
NEW = {"operation": "create", "path": "/new/lesson.md", "content": "Ask for the order first."}
WHOLE = session("mine", agent="{agent}")
EVENT = {"seq": 0, "type": "note", "text": "x"}

NATIVE: list[tuple[str, str, Any]] = [
    ("POST", "/api/v1/sessions", WHOLE),
    ("POST", "/api/v1/sessions", {**WHOLE, "id": "{session_id}", "agent": "alice-bot"}),
    ("GET", "/api/v1/sessions/{session_id}", None),
    ("GET", "/api/v1/sessions/{waiting_id}", None),
    ("PUT", "/api/v1/sessions/{session_id}", {}),
    ("PUT", "/api/v1/sessions/{waiting_id}", {}),
    ("PUT", "/api/v1/sessions/mine", {"agent": "{agent}"}),
    ("POST", "/api/v1/sessions/{session_id}/events", EVENT),
    ("POST", "/api/v1/sessions/{waiting_id}/events", EVENT),
    ("POST", "/api/v1/sessions/{session_id}/close", OUTCOME),
    ("POST", "/api/v1/sessions/{waiting_id}/close", OUTCOME),
    ("POST", "/api/v1/sessions/{session_id}/outcome", {"status": "success"}),
    ("POST", "/api/v1/sessions/{waiting_id}/outcome", {"status": "success"}),
    ("GET", "/api/v1/agents/{agent}/memory", None),
    ("GET", "/api/v1/agents/{agent}/stores/{store}/memory", None),
    ("GET", "/api/v1/agents/alice-bot/stores/{store}/memory", None),
    ("GET", "/api/v1/agents/alice-bot/memory?store={store}", None),
    ("GET", "/api/v1/agents/alice-bot/memory?store={store}&revision=1", None),
    ("GET", "/api/v1/agents/alice-bot/memory?path_prefix={path}&session={session_id}", None),
    ("POST", "/api/v1/agents/{agent}/proposals", NEW),
    ("POST", "/api/v1/agents/alice-bot/proposals", {**NEW, "store": "{store}"}),
    ("POST", "/api/v1/agents/alice-bot/proposals", {**NEW, "session": "{session_id}"}),
    ("POST", "/api/v1/agents/alice-bot/proposals", {**NEW, "content": "{text}"}),
    ("POST", "/api/v1/agents/alice-bot/proposals", {**NEW, "operation": "update", "path": "{path}"}),
    ("POST", "/api/v1/agents/alice-bot/proposals", {**NEW, "operation": "delete", "path": "{path}"}),
]
STORES = "/anthropic/v1/memory_stores"
THEIRS, OWN = f"{STORES}/memstore_{{number}}", f"{STORES}/memstore_{{own}}"
MEMORY = {"path": "/new/lesson.md", "content": "Ask for the order first."}
ANTHROPIC: list[tuple[str, str, Any]] = [
    *((method, THEIRS, {}) for method in ("GET", "POST", "DELETE")),
    ("POST", f"{THEIRS}/archive", {}),
    ("GET", f"{THEIRS}/memories", None),
    ("POST", f"{THEIRS}/memories", MEMORY),
    ("POST", f"{OWN}/memories", {**MEMORY, "content": "{text}"}),
    ("GET", f"{THEIRS}/memory_versions", None),
    ("GET", f"{OWN}/memory_versions?memory_id=mem_{{memory}}", None),
    ("GET", f"{OWN}/memory_versions?session_id={{session_id}}", None),
    *(
        (method, f"{store}/memories/mem_{{memory}}", body)
        for store in (THEIRS, OWN)
        for method, body in (("GET", None), ("POST", MEMORY), ("DELETE", None))
    ),
    *(("GET", f"{store}/memory_versions/memver_{{version}}", None) for store in (THEIRS, OWN)),
    *(("POST", f"{store}/memory_versions/memver_{{version}}/redact", {}) for store in (THEIRS, OWN)),
]
TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("read_memory", {"store": "{store}"}),
    ("read_memory", {"path": "{path}"}),
    ("read_memory", {"path": "/tools/", "session": "{session_id}"}),
    ("search_memory", {"words": "{text}"}),
    ("propose_memory", {**NEW, "store": "{store}"}),
    ("propose_memory", {**NEW, "content": "{text}"}),
    ("propose_memory", {**NEW, "operation": "delete", "path": "{path}"}),
]
CHANGING = ("Date", "request-id", "Content-Length", "ETag")


@pytest.fixture
def theirs(rita) -> dict[str, str]:
    """Another agent, with a store, a memory, sessions and a proposal that waits."""
    bob = make_agent("bob-bot")
    store = make_store("bobs-store", [bob])
    version = make_live_memory(store, rita, path="/ledger/close.md", content="Close the ledger before the month ends.")
    make_proposal(store, make_session(bob, external_id="bob-1"), content="Reopen it.", path="/ledger/again.md")
    open_session(agent=bob, head={"id": "bob-2", "agent": "bob-bot"})
    return {
        "agent": "bob-bot",
        "store": "bobs-store",
        "session_id": "bob-1",
        "waiting_id": "bob-2",
        "number": str(store.pk),
        "memory": str(version.memory_id),
        "version": str(version.pk),
        "path": version.path,
        "text": version.content,
    }


@pytest.fixture
def alice(rita) -> Agent:
    alice = make_agent("alice-bot")
    make_live_memory(make_store("claims", [alice]), rita, path="/tools/refunds.md")
    return alice


@pytest.fixture
def ask(client, alice):
    """Ask with alice's key for what is named, as if nothing had been asked before; the answer without the names."""
    keys: dict[tuple[str, ...], str] = {}

    def ask(method: str, path: str, body: Any, names: dict[str, str], scopes: tuple[str, ...]) -> tuple[Any, ...]:
        if scopes not in keys:
            keys[scopes] = issue_key(agent=alice, scopes=scopes, issued_by=ADMIN)[1]
        names = {**names, "own": str(alice.stores.get().pk)}
        headers = {"Authorization": f"Bearer {keys[scopes]}", "Accept": "application/json, text/event-stream"}
        with transaction.atomic():
            sent = filled(json.dumps(body), names)
            answer = client.generic(method, filled(path, names), sent, content_type="application/json", headers=headers)
            transaction.set_rollback(True)
        said = re.sub(r"prop_\d+|req_\w+", "…", answer.content.decode())
        for name in sorted(names.values(), key=len, reverse=True):
            said = re.sub(rf"(?<![0-9a-z]){re.escape(name)}(?![0-9a-z])", "…", said)
        return answer.status_code, {name: answer[name] for name in answer.headers if name not in CHANGING}, said

    return ask


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


@pytest.mark.parametrize(("method", "path", "body"), NATIVE + ANTHROPIC)
def test_what_is_anothers_is_answered_as_what_is_not_there(ask, theirs, method, path, body):
    for scopes in (("ingest", "read", "propose"), ("read",), ("ingest",)):
        assert ask(method, path, body, theirs, scopes) == ask(method, path, body, NONE, scopes)


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
def test_tools_do_not_tell_either(ask, theirs, tool, arguments):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    there, missing = (ask("POST", "/mcp", message, names, ("read", "propose")) for names in (theirs, NONE))
    assert there == missing
    assert there[0] == 200


def test_every_address_with_an_id_is_asked():
    asked = {re.sub(r"\{\w+\}|alice-bot|mine", "*", path.partition("?")[0]) for _, path, _ in NATIVE}
    native = {re.sub(r"\{\w+\}", "*", path) for path in api.get_openapi_schema()["paths"]}
    assert native <= asked
    asked = {re.sub(r"\w+_\{\w+\}", "*", path.partition("?")[0]) for _, path, _ in ANTHROPIC}
    anthropic = {re.sub(r"<str:\w+>", "*", str(one.pattern)) for one in urlpatterns if "<" in str(one.pattern)}
    assert {f"/anthropic/v1/{path}" for path in anthropic} == asked
