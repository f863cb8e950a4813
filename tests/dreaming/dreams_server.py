"""A local server that speaks the wire format of memory stores and dreams at Anthropic."""

import hashlib
from collections.abc import Callable
from typing import Any

from anthropic.types.beta import BetaDream
from anthropic.types.beta.dream_create_params import DreamCreateParams
from anthropic.types.beta.memory_stores import BetaManagedAgentsMemory

from tests.dreaming.claude_server import Answer, ClaudeServer, failure, fits, misfit

AT = "2026-11-23T02:00:00Z"
USAGE = {"input_tokens": 50_000, "output_tokens": 5_000, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


class DreamsServer(ClaudeServer):
    """`stores` holds texts by path. A dream runs for `polls` looks, then `dream_of` makes its output of its input."""

    def __init__(self) -> None:
        self.stores: dict[str, dict[str, str]] = {}
        self.archived: set[str] = set()
        self.dreams: dict[str, dict[str, Any]] = {}
        self.polls = 2
        self.ending = "completed"
        self.usage = USAGE
        self.pages = 0
        self.dream_of: Callable[[dict[str, str], list[str]], dict[str, str]] = lambda texts, sessions: texts
        self.on_look: Callable[[dict[str, Any]], None] = lambda dream: None
        super().__init__()

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        if path == "/v1/dreams":
            return self.begin(body)
        if path.startswith("/v1/dreams/") and path.endswith("/cancel"):
            dream = self.dreams[path.split("/")[3]]
            dream["status"] = "canceled"
            return Answer(self.shown(dream))
        return super().post(path, body)

    def begin(self, body: dict[str, Any]) -> Answer:
        if wrong := misfit(DreamCreateParams, body):
            return failure(400, "invalid_request_error", wrong)
        (store,) = (one["memory_store_id"] for one in body["inputs"] if one["type"] == "memory_store")
        (sessions,) = (one["session_ids"] for one in body["inputs"] if one["type"] == "sessions")
        if not 1 <= len(sessions) <= 100 or store in self.archived:
            return failure(400, "invalid_request_error", "inputs")
        name = f"drm_{len(self.dreams) + 1}"
        self.dreams[name] = {
            **body,
            "id": name,
            "status": "pending",
            "looks": 0,
            "outputs": [],
            "store": store,
            "sessions": sessions,
        }
        return Answer(self.shown(self.dreams[name]))

    def get(self, path: str, query: dict[str, str]) -> Answer:
        parts = path.split("/")
        if path.startswith("/v1/dreams/"):
            return self.look(self.dreams[parts[3]])
        if path.endswith("/memories"):
            return self.listed(parts[3], query)
        if path.startswith("/v1/memory_stores/") and parts[3] in self.stores:
            return Answer(
                {
                    "id": parts[3], "type": "memory_store", "name": "claims", "description": "", "metadata": {},
                    "created_at": AT, "updated_at": AT, "archived_at": AT if parts[3] in self.archived else None,
                }
            )  # fmt: skip
        return failure(404, "not_found_error", f"{parts[3]} is not there")

    def look(self, dream: dict[str, Any]) -> Answer:
        dream["looks"] += 1
        if dream["status"] in ("pending", "running"):
            dream["status"] = "running"
            self.on_look(dream)
            output = f"memstore_out_{dream['id']}"
            dream["outputs"] = [{"type": "memory_store", "memory_store_id": output}]
            if dream["looks"] > self.polls:
                self.stores[output] = self.dream_of(dict(self.stores[dream["store"]]), dream["sessions"])
                dream["status"] = self.ending
        return Answer(self.shown(dream))

    def shown(self, dream: dict[str, Any]) -> dict[str, Any]:
        failed = dream["status"] == "failed"
        return fits(BetaDream, {
            "id": dream["id"], "type": "dream", "status": dream["status"], "inputs": dream["inputs"],
            "outputs": dream["outputs"], "model": {"id": dream["model"]}, "output_behavior": dream["output_behavior"],
            "instructions": None, "session_id": f"sesn_of_{dream['id']}", "created_at": AT, "ended_at": None,
            "archived_at": None, "error": {"type": "timeout", "message": "It took too long."} if failed else None,
            "usage": self.usage,
        })  # fmt: skip

    def listed(self, store: str, query: dict[str, str]) -> Answer:
        """A page; a full one holds at most 20."""
        self.pages += 1
        full, limit, start = query.get("view") == "full", int(query.get("limit", 20)), int(query.get("page", 0))
        if full and limit > 20:
            return failure(400, "invalid_request_error", "limit")
        rows = sorted(self.stores[store].items())
        page = [self.memory(store, path, text, full) for path, text in rows[start : start + limit]]
        more = str(start + limit) if start + limit < len(rows) else None
        return Answer({"data": page, "next_page": more})

    @staticmethod
    def memory(store: str, path: str, text: str, full: bool) -> dict[str, Any]:
        data = text.encode()
        return fits(BetaManagedAgentsMemory, {
            "id": f"mem_{store}{path}", "type": "memory", "memory_store_id": store, "memory_version_id": "memver_1",
            "path": path, "content": text if full else None, "content_sha256": hashlib.sha256(data).hexdigest(),
            "content_size_bytes": len(data), "created_at": AT, "updated_at": AT,
        })  # fmt: skip
