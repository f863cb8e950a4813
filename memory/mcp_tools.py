"""The MCP tools: read, search and propose, with what an agent's key allows. What they serve is approved memory alone."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec
from mcp.types import TextContent, Tool, ToolAnnotations
from msgspec.structs import asdict
from pydantic import ValidationError

from memory import reading
from memory.paths import InvalidMemory
from memory.proposing_api import ProposalIn, file, told
from memory.reading import LiveMemory, Served
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
    agent, session = _agent(key, "read"), _text(arguments, "session")
    found = [
        (served, memory)
        for served, memory in _entries(agent)
        if store in ("", served.store) and (path in ("", memory.path) or _is_below(memory.path, path))
    ]
    if path and not found:
        raise ToolRefused(f"There is no memory at {path}.")
    _record(agent, session, found)
    return _json([{"store": served.store, **asdict(memory)} for served, memory in found])


def _is_below(path: str, folder: str) -> bool:
    return folder.endswith("/") and path.startswith(folder)


def _search(key: ApiKey, arguments: dict[str, Any]) -> str:
    words = _text(arguments, "words").casefold().split()
    if not words:
        raise ToolRefused("words: say what to look for.")
    agent, session = _agent(key, "read"), _text(arguments, "session")
    found = [(served, memory) for served, memory in _entries(agent) if _holds(memory, words)]
    shown = found[:FOUND_AT_MOST]
    _record(agent, session, shown)
    entries = [
        {"store": served.store, "path": memory.path, "snippet": _snippet(memory, words[0])} for served, memory in shown
    ]
    return _json({"found": len(found), "entries": entries})


def _holds(memory: LiveMemory, words: list[str]) -> bool:
    text = f"{memory.path}\n{memory.content}".casefold()
    return all(word in text for word in words)


def _snippet(memory: LiveMemory, word: str) -> str:
    at = max(0, memory.content.casefold().find(word) - SNIPPET // 2)
    return memory.content[at : at + SNIPPET]


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


def _entries(agent: Agent) -> list[tuple[Served, LiveMemory]]:
    """All that is served, each entry with its store."""
    snapshots = reading.live_snapshots(agent)
    return [(snapshot.served, memory) for snapshot in snapshots for memory in snapshot.memories]


def _record(agent: Agent, session: str, returned: list[tuple[Served, LiveMemory]]) -> None:
    """Remember what is returned as served to the session, if one is named."""
    if not session:
        return
    versions: dict[tuple[int, int], list[int]] = defaultdict(list)
    for served, memory in returned:
        versions[served.store_id, served.revision].append(memory.revision)
    read = [(store, revision, numbers) for (store, revision), numbers in versions.items()]
    record_read(agent=agent, session_external_id=session, served=read)


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name, "")
    if not isinstance(value, str) or len(value) > 1_000 or "\x00" in value:
        raise ToolRefused(f"{name}: expected a text of at most 1,000 characters.")
    return value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
