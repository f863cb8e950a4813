"""An agent asks for a memory over HTTP: natively, by the memory tool, and by MCP, each with the real client."""

import json
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from anthropic.tools import ToolError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from audit.actors import Actor
from memory.models import Memory, MemoryRead, Proposal
from memory.tool import AsyncDaylightMemoryTool, DaylightMemoryTool
from sessions.models import Agent
from sessions.services import issue_key
from tests.conftest import run_apart
from tests.factories import make_agent, make_live_memory, make_store

ADMIN = Actor.system("test")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent(transactional_db) -> Agent:
    return make_agent("teller")


@pytest.fixture
def store(agent, rita):
    store = make_store("claims", [agent])
    make_live_memory(store, rita, path="/tools/ledger.md", content="Close the ledger.\nThen post.")
    return store


@pytest.fixture
def key(agent) -> str:
    return issue_key(agent=agent, scopes=["read", "propose"], issued_by=ADMIN)[1]


def texts() -> dict[str, str]:
    return {memory.path: memory.head.content for memory in Memory.objects.select_related("head") if memory.head}


class TestNative:
    @pytest.fixture
    def propose(self, client, key, store):
        def propose(agent: str = "teller", key: str = key, **asked: Any):
            body = {"operation": "create", "path": "/new.md", "content": "Ask first.", **asked}
            headers = {"Authorization": f"Bearer {key}"}
            address = f"/api/v1/agents/{agent}/proposals"
            return client.post(address, body, content_type="application/json", headers=headers)

        return propose

    def test_it_waits_and_says_so(self, propose):
        first, again = propose(), propose()

        proposal = Proposal.objects.get(source="agent")
        assert (first.status_code, first.json()["proposal"]) == (202, proposal.public_id)
        assert "queued for review" in first.json()["detail"]
        assert again.json() == first.json()
        assert "/new.md" not in texts()

    @pytest.mark.parametrize(
        ("asked", "status", "detail"),
        [
            ({"operation": "update", "path": "/none.md"}, 409, "There is no memory at /none.md"),
            ({"operation": "update", "path": "/tools/ledger.md", "expected_sha256": "0" * 64}, 409, "changed since"),
            ({"operation": "create", "path": "/tools/ledger.md"}, 422, "There is a memory at"),
            ({"path": "new.md"}, 422, "is not a path"),
            ({"content": ""}, 422, "The text is empty"),
            ({"operation": "publish"}, 422, "operation"),
            ({"store": "other"}, 422, "reads no store of that name, but claims"),
            ({"agent": "someone"}, 403, "does not propose for that agent"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_with_the_reason(self, propose, asked, status, detail):
        answer = propose(**asked)
        assert (answer.status_code, detail in json.dumps(answer.json())) == (status, True), answer.json()
        assert not Proposal.objects.filter(source="agent").exists()

    def test_a_key_needs_the_scope(self, propose, agent):
        _, reader = issue_key(agent=agent, scopes=["read"], issued_by=ADMIN)
        assert propose(key=reader).status_code == 403

    def test_a_rename_and_a_delete_wait_too(self, propose):
        propose(operation="rename", path="/tools/ledger.md", new_path="/ledger.md")
        propose(operation="delete", path="/tools/ledger.md")

        renamed, deleted = Proposal.objects.filter(source="agent").order_by("pk")
        assert (renamed.operation, renamed.new_path, deleted.operation) == ("rename", "/ledger.md", "delete")
        assert list(texts()) == ["/tools/ledger.md"]

    def test_of_several_stores_one_is_named(self, propose, agent):
        make_store("other", [agent])
        assert "Say which store is meant: claims, other" in propose().json()["detail"]
        assert propose(store="other").status_code == 202


def command(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"view_range": None, **fields})


class TestMemoryTool:
    @pytest.fixture
    def tool(self, live_server, key, store) -> DaylightMemoryTool:
        return DaylightMemoryTool(url=live_server.url, agent="teller", key=key, session="run-9")

    def test_it_shows_approved_memory(self, tool):
        listing = tool.call({"command": "view", "path": "/memories"})
        text = tool.call({"command": "view", "path": "/memories/tools/ledger.md"})

        assert "/memories/tools/ledger.md" in listing
        assert text.endswith("     1\tClose the ledger.\n     2\tThen post.")
        assert MemoryRead.objects.get().session_external_id == "run-9"

    def test_each_write_waits_and_says_so(self, tool):
        path = "/memories/tools/ledger.md"
        answers = [
            tool.create(command(path="/memories/new.md", file_text="Ask first.")),
            tool.str_replace(command(path=path, old_str="Then post.", new_str="Then wait.")),
            tool.insert(command(path=path, insert_line=1, insert_text="Count it.")),
            tool.rename(command(old_path=path, new_path="/memories/ledger.md")),
            tool.delete(command(path=path)),
        ]

        assert all(answer.startswith("queued for review as prop_") for answer in answers)
        asked = Proposal.objects.filter(source="agent").order_by("pk")
        assert [row.operation for row in asked] == ["create", "update", "update", "rename", "delete"]
        assert [row.content for row in asked[1:3]] == [
            "Close the ledger.\nThen wait.",
            "Close the ledger.\nCount it.\nThen post.",
        ]
        assert texts() == {"/tools/ledger.md": "Close the ledger.\nThen post."}

    @pytest.mark.parametrize(
        ("method", "fields", "reason"),
        [
            ("view", {"path": "/memories/none.md"}, "does not exist"),
            ("view", {"path": "/etc/passwd"}, "must start with /memories"),
            ("view", {"path": "/memories/../x"}, "would escape"),
            ("create", {"path": "/memories/tools/ledger.md", "file_text": "x y"}, "There is a memory at"),
            ("str_replace", {"path": "/memories/tools/ledger.md", "old_str": "none", "new_str": ""}, "not appear"),
            ("str_replace", {"path": "/memories/tools/ledger.md", "old_str": "e", "new_str": ""}, "Multiple"),
            ("insert", {"path": "/memories/tools/ledger.md", "insert_line": 9, "insert_text": ""}, "insert_line"),
            ("delete", {"path": "/memories"}, "does not exist"),
        ],
    )
    def test_what_cannot_be_done_is_a_tool_error(self, tool, method, fields, reason):
        with pytest.raises(ToolError, match=reason):
            getattr(tool, method)(command(**fields))

    def test_a_server_that_is_away_is_a_tool_error(self, key):
        away = DaylightMemoryTool(url="http://127.0.0.1:9", agent="teller", key=key)
        with pytest.raises(ToolError, match="cannot be reached"):
            away.view(command(path="/memories"))

    def test_the_asynchronous_tool_does_the_same(self, live_server, key, store):
        tool = AsyncDaylightMemoryTool(url=live_server.url, agent="teller", key=key)

        async def use() -> tuple[str, str]:
            shown = await tool.view(command(path="/memories/tools/ledger.md", view_range=[2, -1]))
            return shown, await tool.create(command(path="/memories/b.md", file_text="Wait."))

        shown, asked = run_apart(use)
        assert shown.endswith("     2\tThen post.")
        assert asked.startswith("queued for review as prop_")


class TestMcp:
    @pytest.fixture
    def talk(self, live_server, key, store):
        """Run `what(session)` with the SDK's own client."""

        def talk(what: Any, key: str = key) -> Any:
            async def run() -> Any:
                headers = {"Authorization": f"Bearer {key}"}
                async with (
                    httpx2.AsyncClient(headers=headers) as http,
                    streamable_http_client(f"{live_server.url}/mcp", http_client=http) as streams,
                    ClientSession(streams[0], streams[1]) as session,
                ):
                    await session.initialize()
                    return await what(session)

            return run_apart(run)

        return talk

    def test_the_tools_are_listed(self, talk):
        listed = talk(lambda session: session.list_tools())
        assert [tool.name for tool in listed.tools] == ["read_memory", "search_memory", "propose_memory"]

    def test_it_reads_searches_and_proposes(self, talk):
        async def use(session: ClientSession) -> list[Any]:
            return [
                await session.call_tool("read_memory", {"path": "/tools/", "session": "run-3"}),
                await session.call_tool("search_memory", {"words": "LEDGER post"}),
                await session.call_tool("search_memory", {"words": "nothing"}),
                await session.call_tool(
                    "propose_memory", {"operation": "create", "path": "/new.md", "content": "Ask first."}
                ),
            ]

        read, found, nothing, proposed = talk(use)
        assert json.loads(read.content[0].text)[0]["content"] == "Close the ledger.\nThen post."
        assert json.loads(found.content[0].text)["found"] == 1
        assert json.loads(nothing.content[0].text)["found"] == 0
        assert proposed.content[0].text.startswith("queued for review as prop_")
        assert MemoryRead.objects.get().session_external_id == "run-3"
        assert "/new.md" not in texts()

    def test_only_what_it_returns_counts_as_served(self, talk, store, rita):
        make_live_memory(store, rita, path="/other.md", content="Wait.")

        async def use(session: ClientSession) -> None:
            for tool, arguments in [
                ("read_memory", {"path": "/tools/"}),
                ("read_memory", {"path": "/none.md"}),
                ("read_memory", {}),
                ("search_memory", {"words": "nothing"}),
                ("search_memory", {"words": "wait"}),
                ("read_memory", {"store": "unknown"}),
            ]:
                await session.call_tool(tool, {**arguments, "session": "run-3"})

        talk(use)
        assert list(MemoryRead.objects.order_by("pk").values_list("revision", "versions")) == [
            (2, [1]),
            (2, [1, 2]),
            (2, [2]),
        ]

    @pytest.mark.parametrize(
        ("tool", "arguments", "reason"),
        [
            ("read_memory", {"path": "/none.md"}, "There is no memory at /none.md"),
            ("read_memory", {"path": 3}, "path"),
            ("search_memory", {"words": " "}, "say what to look for"),
            ("propose_memory", {"operation": "create", "path": "x", "content": "y z"}, "is not a path"),
            ("propose_memory", {"operation": "burn", "path": "/x"}, "operation"),
            ("forget", {}, "There is no tool forget"),
        ],
    )
    def test_what_cannot_be_done_is_an_error_result(self, talk, tool, arguments, reason):
        result = talk(lambda session: session.call_tool(tool, arguments))
        assert result.is_error
        assert reason in result.content[0].text

    def test_a_key_that_only_reads_proposes_nothing(self, talk, agent):
        _, reader = issue_key(agent=agent, scopes=["read"], issued_by=ADMIN)
        asked = {"operation": "create", "path": "/new.md", "content": "Ask first."}
        result = talk(lambda session: session.call_tool("propose_memory", asked), key=reader)
        assert result.is_error
        assert "lacks the scope propose" in result.content[0].text

    def test_without_a_key_nothing_is_answered(self, client):
        answer = client.post("/mcp", {}, content_type="application/json")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert client.get("/mcp").status_code == 405
