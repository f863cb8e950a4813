"""A local server that keeps one memory store as Anthropic does: paths, preconditions and conflicts."""

import hashlib
from collections.abc import Callable
from typing import Any

from anthropic.types.beta import BetaManagedAgentsMemoryStore
from anthropic.types.beta.memory_stores import BetaManagedAgentsDeletedMemory, BetaManagedAgentsMemory

from tests.dreaming.claude_server import Answer, ClaudeServer, failure, fits

AT = "2026-11-23T02:00:00Z"
NAME = "memstore_there"


class MirrorServer(ClaudeServer):
    """`texts` by path. `on_write` may answer a write instead (given its method and path); `deaf` loses answers."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.contents: dict[str, str] = {}
        self.archived = False
        self.writes: list[str] = []
        self.on_write: Callable[[str, str], Answer | None] = lambda action, path: None
        self.deaf = False
        self.made = 0
        super().__init__()

    @property
    def texts(self) -> dict[str, str]:
        return {path: self.contents[name] for path, name in self.ids.items()}

    def put(self, path: str, text: str) -> None:
        """As if somebody there wrote it."""
        self.made += path not in self.ids
        self.contents[self.ids.setdefault(path, f"mem_{self.made}")] = text

    def drop(self, path: str) -> None:
        del self.contents[self.ids.pop(path)]

    def get(self, path: str, query: dict[str, str]) -> Answer:
        parts = path.split("/")
        if parts[3] != NAME:
            return failure(404, "not_found_error")
        if len(parts) == 4:
            return Answer(fits(BetaManagedAgentsMemoryStore, {
                "id": NAME, "type": "memory_store", "name": "claims", "description": "", "metadata": {},
                "created_at": AT, "updated_at": AT, "archived_at": AT if self.archived else None,
            }))  # fmt: skip
        if len(parts) == 6:
            at = self.path_of(parts[5])
            return Answer(self.shown(at, query.get("view", "full"))) if at else failure(404, "not_found_error")
        limit, start = int(query.get("limit", 20)), int(query.get("page", 0))
        paths = sorted(self.ids)
        more = str(start + limit) if start + limit < len(paths) else None
        page = [self.shown(at, query.get("view", "basic")) for at in paths[start : start + limit]]
        return Answer({"data": page, "next_page": more})

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        parts = path.split("/")
        if len(parts) == 5:
            return self.written("create", body["path"], lambda: self.create(body))
        at = self.path_of(parts[5])
        if not at:
            return failure(404, "not_found_error")
        return self.written("rename" if "path" in body else "update", at, lambda: self.update(at, body))

    def delete(self, path: str, query: dict[str, str]) -> Answer:
        at = self.path_of(path.split("/")[5])
        if not at:
            return failure(500, "api_error") if self.deaf else failure(404, "not_found_error")
        return self.written("delete", at, lambda: self.remove(at, query["expected_content_sha256"]))

    def written(self, action: str, path: str, write: Callable[[], Answer]) -> Answer:
        self.writes.append(f"{action} {path}")
        instead = self.on_write(action, path)
        answer = instead or write()
        return failure(500, "api_error") if self.deaf else answer

    def create(self, body: dict[str, Any]) -> Answer:
        if conflict := self.conflict(body["path"]):
            return conflict
        self.put(body["path"], body["content"])
        return Answer(self.shown(body["path"], "basic"))

    def update(self, at: str, body: dict[str, Any]) -> Answer:
        assert body["precondition"]["type"] == "content_sha256"
        if self.sha(at) != body["precondition"]["content_sha256"]:
            return failure(409, "memory_precondition_failed_error", x_should_retry="false")
        to = body.get("path", at)
        if to != at and (conflict := self.conflict(to)):
            return conflict
        self.ids[to] = self.ids.pop(at)
        self.contents[self.ids[to]] = body.get("content", self.contents[self.ids[to]])
        return Answer(self.shown(to, "basic"))

    def remove(self, at: str, expected: str) -> Answer:
        if self.sha(at) != expected:
            return failure(409, "memory_precondition_failed_error", x_should_retry="false")
        gone = self.ids[at]
        self.drop(at)
        return Answer(fits(BetaManagedAgentsDeletedMemory, {"id": gone, "type": "memory_deleted"}))

    def conflict(self, path: str) -> Answer | None:
        taken = [at for at in self.ids if at == path or at.startswith(f"{path}/") or path.startswith(f"{at}/")]
        return failure(409, "memory_path_conflict_error", f"{taken[0]} is there") if taken else None

    def path_of(self, name: str) -> str:
        return next((path for path, known in self.ids.items() if known == name), "")

    def sha(self, path: str) -> str:
        return hashlib.sha256(self.contents[self.ids[path]].encode()).hexdigest()

    def shown(self, path: str, view: str) -> dict[str, Any]:
        text = self.contents[self.ids[path]]
        return fits(BetaManagedAgentsMemory, {
            "id": self.ids[path], "type": "memory", "memory_store_id": NAME, "memory_version_id": "memver_1",
            "path": path, "content": text if view == "full" else None, "content_sha256": self.sha(path),
            "content_size_bytes": len(text.encode()), "created_at": AT, "updated_at": AT,
        })  # fmt: skip
