"""A local HTTP server that speaks the Messages, token counting and batch wire formats, as the real SDK reads them."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from anthropic.types import Message, MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import MessageBatch
from pydantic import BaseModel, TypeAdapter, ValidationError

USAGE = {"input_tokens": 1_000, "output_tokens": 200, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 0}


def fits(form: type[BaseModel], body: dict[str, Any]) -> dict[str, Any]:
    """The body, once the SDK's own type has agreed that it is one: what we speak is what Anthropic speaks."""
    form.model_validate(body, strict=False)
    return body


adapter = cache(TypeAdapter)


def misfit(params: type, body: dict[str, Any]) -> str:
    """Why the body is none that the SDK's type for this request allows; empty when it is one."""
    unknown = body.keys() - params.__annotations__.keys()
    if unknown:
        return f"unknown: {sorted(unknown)}"
    try:
        adapter(params).validate_python(body)
    except ValidationError as error:
        return str(error)
    return ""


@dataclass
class Answer:
    """One HTTP response."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def message(text: str | dict, stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    """A message as the API gives it, thinking first; a dict becomes its JSON."""
    said = text if isinstance(text, str) else json.dumps(text)
    return fits(Message, {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [
            {"type": "thinking", "thinking": "…", "signature": "s"},
            *([{"type": "text", "text": said}] if said else []),
        ],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {**USAGE, **usage},
    })  # fmt: skip


def failure(status: int, kind: str, said: str = "no", **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_1"}
    return Answer(body, status, {"retry-after-ms": "1", **{name.replace("_", "-"): v for name, v in headers.items()}})


def form_of(body: dict[str, Any]) -> str:
    """What kind of answer a request asks for: judgement, notes or lessons."""
    names = body["output_config"]["format"]["schema"]["properties"]
    return "judgement" if "verdict" in names else "notes" if "observations" in names else "lessons"


def judgement(body: dict[str, Any], **fields: str) -> dict[str, str]:
    """A good answer about the finding in the request, worded apart from the others by its title's letters."""
    title = re.search(r"finding\n(.*)\n", body["messages"][0]["content"])[1]
    words = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")[:80].strip("-")
    return {
        "verdict": "propose",
        "reason": "It costs many runs.",
        "path": f"/lessons/{words}.md",
        "replaces": "",
        "content": f"# {words}\n\nAsk for the right form first.\n",
        "title": f"Know about {words}",
        "rationale": "Measured over many sessions.",
        **fields,
    }


def sensible(body: dict[str, Any]) -> Any:
    """Every finding is proposed; sessions give no notes."""
    form = form_of(body)
    if form == "judgement":
        return message(judgement(body))
    return message({"observations": []} if form == "notes" else {"lessons": []})


class ClaudeServer:
    """`on_message` makes an `Answer` or a message of each request body; `on_batch` the result of each batched one."""

    def __init__(self) -> None:
        self.on_message: Callable[[dict[str, Any]], Any] = sensible
        self.on_batch: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: {
            "type": "succeeded", "message": sensible(body),
        }  # fmt: skip
        self.polls_until_ended = 2
        self.requests: list[dict[str, Any]] = []
        self.counted: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.batches: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size) or b"{}")
                with server.lock:
                    server.headers.append(dict(self.headers))
                self.answer(server.post(self.path.partition("?")[0], body))

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self.answer(server.get(path, {name: values[0] for name, values in parse_qs(query).items()}))

            def do_DELETE(self) -> None:
                path, _, query = self.path.partition("?")
                self.answer(server.delete(path, {name: values[0] for name, values in parse_qs(query).items()}))

            def answer(self, answer: Answer) -> None:
                data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                try:
                    self.send_response(answer.status)
                    for name, value in {"content-type": "application/json", **answer.headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client had enough

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def asked_for(self, form: str) -> list[dict[str, Any]]:
        return [body for body in self.requests if form_of(body) == form]

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        if path == "/v1/messages/count_tokens":
            if wrong := misfit(MessageCountTokensParams, body):
                return failure(400, "invalid_request_error", wrong)
            self.counted.append(body)
            return Answer({"input_tokens": len(json.dumps(body)) // 4})
        if path == "/v1/messages":
            if wrong := misfit(MessageCreateParamsNonStreaming, body):
                return failure(400, "invalid_request_error", wrong)
            with self.lock:
                self.requests.append(body)
            answer = self.on_message(body)
            return answer if isinstance(answer, Answer) else Answer(answer)
        if path == "/v1/messages/batches":
            for one in body["requests"]:
                if wrong := misfit(MessageCreateParamsNonStreaming, one["params"]):
                    return failure(400, "invalid_request_error", wrong)
            name = f"msgbatch_{len(self.batches) + 1}"
            self.batches[name] = {"requests": body["requests"], "polls": 0, "canceled": False}
            return Answer(self.batch(name))
        if path.endswith("/cancel"):
            name = path.split("/")[-2]
            self.batches[name]["canceled"] = True
            return Answer(self.batch(name))
        return failure(404, "not_found_error")

    def get(self, path: str, query: dict[str, str]) -> Answer:
        name = path.split("/")[4]
        if path.endswith("/results"):
            lines = [
                {"custom_id": one["custom_id"], "result": self.on_batch(one["params"])}
                for one in reversed(self.batches[name]["requests"])
            ]
            return Answer("\n".join(map(json.dumps, lines)).encode(), headers={"content-type": "application/x-jsonl"})
        self.batches[name]["polls"] += 1
        return Answer(self.batch(name))

    def delete(self, path: str, query: dict[str, str]) -> Answer:
        return failure(404, "not_found_error")

    def batch(self, name: str) -> dict[str, Any]:
        kept = self.batches[name]
        ended = kept["canceled"] or kept["polls"] > self.polls_until_ended
        total = len(kept["requests"])
        return fits(MessageBatch, {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else total,
                "succeeded": total if ended else 0,
                "errored": 0, "canceled": 0, "expired": 0,
            },
            "created_at": "2026-11-23T02:00:00Z",
            "expires_at": "2026-11-24T02:00:00Z",
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        })  # fmt: skip
