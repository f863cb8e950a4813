"""Claude's memory tool on approved memory: `view` reads it, the five writes ask for a change and say that it waits.

This file needs the `anthropic` package alone: import it, or copy it beside your agent.
"""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import Any

from anthropic.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError

ROOT = "/memories"
TIMEOUT = 30.0
NUMBER_WIDTH = 6


@dataclass
class DaylightMemory:
    """One agent's memory behind Daylight's API. `store` is needed by agents that read several.

    With `session`, what it was served is on record. Raises `ToolError` with words for the model.
    """

    url: str
    agent: str
    key: str
    store: str = ""
    session: str = ""

    def __post_init__(self) -> None:
        self._etag, self._files = "", dict[str, str]()

    def view(self, command: Any) -> str:
        files, path = self._read(), _path(command.path)
        if path in files:
            return _numbered(command.path, files[path], command.view_range)
        below = [name for name in files if name.startswith(path.rstrip("/") + "/")]
        if not below and path.strip("/"):
            raise ToolError(f"The path {command.path} does not exist. Please provide a valid path.")
        sizes = {name: len(files[name].encode()) for name in below}
        lines = [f"{_size(sum(sizes.values()))}\t{command.path}"]
        lines += [f"{_size(size)}\t{ROOT}{name}" for name, size in sorted(sizes.items())]
        return f"Here're the files in {command.path}, all approved by people:\n" + "\n".join(lines)

    def create(self, command: Any) -> str:
        return self._ask("create", _path(command.path), content=command.file_text)

    def str_replace(self, command: Any) -> str:
        path, text = self._file(command.path)
        count = text.count(command.old_str)
        if count == 0:
            raise ToolError(
                f"No replacement was performed, old_str `{command.old_str}` did not appear verbatim in {command.path}."
            )
        if count > 1:
            raise ToolError(
                f"No replacement was performed. Multiple occurrences of old_str `{command.old_str}`."
                " Please ensure it is unique"
            )
        return self._ask("update", path, content=text.replace(command.old_str, command.new_str))

    def insert(self, command: Any) -> str:
        path, text = self._file(command.path)
        lines = text.split("\n")
        if not 0 <= command.insert_line <= len(lines):
            raise ToolError(
                f"Invalid `insert_line` parameter: {command.insert_line}."
                f" It should be within the range [0, {len(lines)}]."
            )
        lines.insert(command.insert_line, command.insert_text.rstrip("\n"))
        return self._ask("update", path, content="\n".join(lines))

    def delete(self, command: Any) -> str:
        path, _ = self._file(command.path)
        return self._ask("delete", path)

    def rename(self, command: Any) -> str:
        path, _ = self._file(command.old_path)
        return self._ask("rename", path, new_path=_path(command.new_path))

    def _file(self, path: str) -> tuple[str, str]:
        name = _path(path)
        files = self._read()
        if name not in files:
            raise ToolError(f"The path {path} does not exist. Please provide a valid path.")
        return name, files[name]

    def _read(self) -> dict[str, str]:
        """Path → text, of the store, as it is served now; the last answer again while nothing changed."""
        query = f"?session={urllib.parse.quote(self.session, safe='')}" if self.session else ""
        try:
            answer, headers = self._send("GET", f"memory{query}", etag=self._etag)
        except _NotModified:
            return self._files
        stores = [store for store in answer["stores"] if self.store in ("", store["store"])]
        if len(stores) > 1:
            raise ToolError(f"Say which store is meant: {', '.join(store['store'] for store in stores)}.")
        self._files = {memory["path"]: memory["content"] for store in stores for memory in store["memories"]}
        self._etag = headers.get("ETag", "")
        return self._files

    def _ask(self, operation: str, path: str, **asked: str) -> str:
        body = {"operation": operation, "path": path, "store": self.store, "session": self.session, **asked}
        answer, _ = self._send("POST", "proposals", body)
        return str(answer["detail"])

    def _send(self, method: str, what: str, body: Any = None, etag: str = "") -> tuple[Any, HTTPMessage]:
        address = f"{self.url.rstrip('/')}/api/v1/agents/{urllib.parse.quote(self.agent, safe='')}/{what}"
        if not address.startswith(("http://", "https://")):
            raise ToolError("The address of Daylight must begin with http:// or https://.")
        request = urllib.request.Request(  # noqa: S310  (the scheme was looked at)
            address,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        if etag:
            request.add_header("If-None-Match", etag)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                return json.load(response), response.headers
        except urllib.error.HTTPError as error:
            if error.code == 304:
                raise _NotModified from error
            raise ToolError(f"Memory did not change: {_detail(error)}") from error
        except OSError as error:
            raise ToolError(f"Memory cannot be reached: {error}") from error


class DaylightMemoryTool(BetaAbstractMemoryTool):
    """For `client.beta.messages.tool_runner(tools=[DaylightMemoryTool(url=…, agent=…, key=…)])`."""

    def __init__(self, **connection: Any) -> None:
        super().__init__()
        self.memory = DaylightMemory(**connection)

    def view(self, command: Any) -> str:
        return self.memory.view(command)

    def create(self, command: Any) -> str:
        return self.memory.create(command)

    def str_replace(self, command: Any) -> str:
        return self.memory.str_replace(command)

    def insert(self, command: Any) -> str:
        return self.memory.insert(command)

    def delete(self, command: Any) -> str:
        return self.memory.delete(command)

    def rename(self, command: Any) -> str:
        return self.memory.rename(command)


class AsyncDaylightMemoryTool(BetaAsyncAbstractMemoryTool):
    """The same for the asynchronous client; requests run in a thread."""

    def __init__(self, **connection: Any) -> None:
        super().__init__()
        self.memory = DaylightMemory(**connection)

    async def view(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.view, command)

    async def create(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.create, command)

    async def str_replace(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.str_replace, command)

    async def insert(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.insert, command)

    async def delete(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.delete, command)

    async def rename(self, command: Any) -> str:
        return await asyncio.to_thread(self.memory.rename, command)


class _NotModified(Exception):
    """What was read last still holds."""


def _path(path: str) -> str:
    """The path in the store: `/memories/tools/refunds.md` is `/tools/refunds.md` there."""
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        raise ToolError(f"Path must start with {ROOT}, got: {path}")
    if ".." in path.split("/"):
        raise ToolError(f"Path {path} would escape {ROOT} directory")
    return path.removeprefix(ROOT) or "/"


def _numbered(path: str, text: str, view_range: list[int] | None) -> str:
    lines = text.split("\n")
    first, last = 1, len(lines)
    if view_range and len(view_range) == 2:
        first, last = max(1, view_range[0]), len(lines) if view_range[1] == -1 else view_range[1]
    shown = [f"{number:>{NUMBER_WIDTH}}\t{line}" for number, line in enumerate(lines, 1) if first <= number <= last]
    return f"Here's the content of {path} with line numbers:\n" + "\n".join(shown)


def _size(count: int) -> str:
    return f"{count / 1024:.1f}K" if count >= 1024 else f"{count}B"


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
