"""A local server that speaks the wire format of Managed Agents' sessions and events."""

from datetime import datetime
from typing import Any

from anthropic.types.beta import BetaManagedAgentsSession
from anthropic.types.beta.sessions import BetaManagedAgentsSessionEvent
from pydantic import TypeAdapter

from tests.dreaming.claude_server import Answer, ClaudeServer, failure, fits

EVENT = TypeAdapter(BetaManagedAgentsSessionEvent)


class SessionsServer(ClaudeServer):
    """`sessions` by id, oldest first; `events` by session. A page holds `page_size`. `fails` answers in their turn."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.page_size = 2
        self.fails: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__()

    def add(
        self, name: str, *events: dict[str, Any], status: str = "idle", at: str = "2026-03-01T09:00:00Z", **fields: Any
    ) -> None:
        self.sessions[name] = fits(BetaManagedAgentsSession, {
            "id": name, "type": "session", "status": status, "created_at": at, "updated_at": at, "archived_at": None,
            "environment_id": "env_1", "metadata": {}, "outcome_evaluations": [], "resources": [], "title": None,
            "stats": {}, "usage": {"input_tokens": 10, "output_tokens": 5}, "vault_ids": [],
            "agent": {
                "id": "agent_1", "type": "agent", "name": "Desk", "version": 3, "mcp_servers": [], "skills": [], "tools": [],
                "model": {"id": "claude-x", "speed": "standard"}, "execution_identity": {"type": "service_account"},
            },
            **fields,
        })  # fmt: skip
        self.events[name] = []
        self.append(name, *events)

    def append(self, name: str, *events: dict[str, Any]) -> None:
        """Events a second apart."""
        for event in events:
            number = len(self.events[name])
            at = f"2026-03-01T09:{number // 60:02d}:{number % 60:02d}Z"
            self.events[name].append({"id": f"sevt_{number}", "processed_at": at, **event})

    def get(self, path: str, query: dict[str, str]) -> Answer:
        with self.lock:
            self.asked.append((path, query))
            if self.fails:
                return self.fails.pop(0)
        parts = path.split("/")
        if path == "/v1/sessions":
            wanted = [
                one
                for one in sorted(self.sessions.values(), key=lambda one: one["created_at"])
                if query.get("agent_id", one["agent"]["id"]) == one["agent"]["id"]
            ]
            return self.paged(wanted, query, "created_at")
        if parts[-1] == "events" and parts[3] in self.events:
            return self.paged(self.events[parts[3]], query, "processed_at")
        return failure(404, "not_found_error", f"{parts[3]} is not there")

    def paged(self, rows: list[dict[str, Any]], query: dict[str, str], time: str) -> Answer:
        if query.get("order") != "asc":
            return failure(400, "invalid_request_error", "order")
        if since := query.get("created_at[gte]"):
            rows = [row for row in rows if datetime.fromisoformat(row[time]) >= datetime.fromisoformat(since)]
        start = int(query.get("page", 0))
        more = str(start + self.page_size) if start + self.page_size < len(rows) else None
        return Answer({"data": rows[start : start + self.page_size], "next_page": more})


def text(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": one} for one in texts]


def user(said: str) -> dict[str, Any]:
    return {"type": "user.message", "content": text(said)}


def agent(said: str) -> dict[str, Any]:
    return {"type": "agent.message", "content": text(said)}


def idle(reason: str = "end_turn") -> dict[str, Any]:
    return {"type": "session.status_idle", "stop_reason": {"type": reason}}
