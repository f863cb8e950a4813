"""The MCP tools: read, search and propose, with what an agent's key allows. What they serve is approved memory alone."""

from collections.abc import Callable
from typing import Any

import msgspec
from mcp.types import TextContent, Tool, ToolAnnotations
from pydantic import ValidationError

from memory import reading
from memory.paths import InvalidMemory
from memory.proposing_api import ProposalIn, file, told
from memory.services import Refused, record_read
from sessions.models import Agent, ApiKey

FOUND_AT_MOST = 20
SNIPPET = 200

_SESSION = {"type": "string", "description": "The id of your session, so that what it was served is on record"}
TOOLS = [
    Tool(
        name="read_memory",
        description="Approved memory: every entry, or the one at a path, or those below a path that ends in /.",
        input_schema={
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Such as /tools/refunds.md or /tools/"},
                "store": {"type": "string", "description": "The name of a store; without it, all of yours"},
                "session": _SESSION,
            },
        },
        annotations=ToolAnnotations(read_only_hint=True),
    ),
    Tool(
        name="search_memory",
        description="The entries of approved memory that hold all the given words.",
        input_schema={
            "type": "object",
            "properties": {"words": {"type": "string"}, "session": _SESSION},
            "required": ["words"],
        },
        annotations=ToolAnnotations(read_only_hint=True),
    ),
    Tool(
        name="propose_memory",
        description="Ask to create, update, delete or rename an entry. A person decides; memory does not change until then.",
        input_schema=ProposalIn.model_json_schema(),
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True),
    ),
]


class ToolRefused(Exception):
    """The call is refused; the message is for the agent."""


def call(key: ApiKey, name: str, arguments: dict[str, Any]) -> list[TextContent]:
    """What a tool answers. Raises `ToolRefused`."""
    tools: dict[str, Callable[[ApiKey, dict[str, Any]], str]] = {
        "read_memory": _read,
        "search_memory": _search,
        "propose_memory": _propose,
    }
    if name not in tools:
        raise ToolRefused(f"There is no tool {name[:60]}.")
    return [TextContent(text=tools[name](key, arguments))]


def _read(key: ApiKey, arguments: dict[str, Any]) -> str:
    path, store = _text(arguments, "path"), _text(arguments, "store")
    entries = [
        entry
        for entry in _entries(_agent(key, "read"), _text(arguments, "session"))
        if store in ("", entry["store"]) and (path in ("", entry["path"]) or _is_below(entry["path"], path))
    ]
    if path and not entries:
        raise ToolRefused(f"There is no memory at {path}.")
    return _json(entries)


def _is_below(path: str, folder: str) -> bool:
    return folder.endswith("/") and path.startswith(folder)


def _search(key: ApiKey, arguments: dict[str, Any]) -> str:
    words = _text(arguments, "words").casefold().split()
    if not words:
        raise ToolRefused("words: say what to look for.")
    found = []
    for entry in _entries(_agent(key, "read"), _text(arguments, "session")):
        text = f"{entry['path']}\n{entry['content']}"
        if all(word in text.casefold() for word in words):
            at = max(0, entry["content"].casefold().find(words[0]) - SNIPPET // 2)
            found.append(
                {"store": entry["store"], "path": entry["path"], "snippet": entry["content"][at : at + SNIPPET]}
            )
    return _json({"found": len(found), "entries": found[:FOUND_AT_MOST]})


def _propose(key: ApiKey, arguments: dict[str, Any]) -> str:
    _agent(key, "propose")
    try:
        return told(file(key, ProposalIn(**arguments)))
    except ValidationError as error:
        complaints = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ToolRefused(complaints) from error
    except (Refused, InvalidMemory) as error:
        raise ToolRefused(f"refused: {error}") from error


def _agent(key: ApiKey, scope: str) -> Agent:
    if scope not in key.scopes or key.agent is None:
        raise ToolRefused(f"This key lacks the scope {scope}. Ask an admin for a key that has it.")
    return key.agent


def _entries(agent: Agent, session: str) -> list[dict[str, Any]]:
    """All that is served, and recorded as served to the session, if one is named."""
    snapshots = reading.live_snapshots(agent)
    if session:
        served = [(snapshot.served.store_id, snapshot.served.revision) for snapshot in snapshots]
        record_read(agent=agent, session_external_id=session, served=served)
    return [
        {
            "store": snapshot.served.store,
            "path": memory.path,
            "content": memory.content,
            "sha256": memory.sha256,
            "revision": memory.revision,
        }
        for snapshot in snapshots
        for memory in snapshot.memories
    ]


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name, "")
    if not isinstance(value, str) or len(value) > 1_000 or "\x00" in value:
        raise ToolRefused(f"{name}: expected a text of at most 1,000 characters.")
    return value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
