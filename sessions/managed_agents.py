"""Anthropic's Managed Agents: the events of one of their sessions to events of format 1, and how it ended. Pure.

Events come as the SDK gives them, as dicts. What has a type that is not known is kept as a note.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sessions.foreign import clean, clean_json, clip, fitted, text_of

Event = dict[str, Any]
MAX_NOTE = 2_000
MAX_TASK = 2_000
SOURCE = "anthropic outcome evaluation"
# They only say what the platform was doing.
QUIET = {
    *("span.model_request_start", "span.model_request_end"),
    *("span.outcome_evaluation_start", "span.outcome_evaluation_ongoing"),
    *("session.status_running", "session.status_rescheduled", "session.status_terminated", "session.usage"),
    *("session.updated", "session.thread_created", "session.thread_status_running", "session.thread_status_idle"),
    *("session.thread_status_terminated", "session.thread_status_rescheduled", "agent.thinking"),
    *("workflow_run.created", "workflow_run.status_running", "workflow_run.status_idle"),
    *("workflow_run.status_ended", "workflow_run.phase_started", "workflow_run.phase_ended"),
}
_MESSAGES = {"user.message": "user", "agent.message": "agent", "system.message": "system"}
_CALLS = {"agent.tool_use", "agent.mcp_tool_use", "agent.custom_tool_use"}
_RESULTS = {"agent.tool_result", "agent.mcp_tool_result", "user.custom_tool_result", "user.tool_result"}
_CALL_IDS = ("tool_use_id", "mcp_tool_use_id", "custom_tool_use_id")
_STATUSES = {
    "satisfied": "success",
    "failed": "failure",
    "max_iterations_reached": "partial",
    "needs_revision": "partial",
    "interrupted": "unknown",
}
_ORDINARY_STOPS = {"end_turn", "requires_action"}


@dataclass(slots=True)
class Talk:
    """What has to be known of the events before. `stopped`: the user said stop, and not yet what to do instead."""

    tools: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    def events_of(self, sent: dict[str, Any]) -> Iterator[Event]:
        at = sent.get("processed_at")
        for event in self._read(sent, text_of(sent.get("type"))):
            yield event | ({"at": at} if isinstance(at, str) else {})

    def _read(self, sent: dict[str, Any], kind: str) -> Iterator[Event]:
        if kind in _MESSAGES:
            yield from self._message(sent, _MESSAGES[kind])
        elif kind in _CALLS:
            call_id, tool = text_of(sent.get("id")), text_of(sent.get("name"))
            self.tools[call_id] = tool
            call = {"type": "tool_call", "role": "agent", "tool": tool, "call_id": call_id}
            yield call | {"input": clean_json(sent.get("input"))}
        elif kind in _RESULTS:
            yield self._result(sent)
        elif kind == "user.tool_confirmation":
            yield from self._confirmation(sent)
        elif kind == "user.interrupt":
            self.stopped = True
            yield _text("note", "user", "Interrupted by the user.")
        elif kind == "session.error":
            yield _error(sent.get("error"))
        elif kind not in QUIET:
            yield from _note(sent, kind)

    def _message(self, sent: dict[str, Any], role: str) -> Iterator[Event]:
        text = _joined(sent.get("content"))
        if text.strip():
            is_correction = role == "user" and self.stopped
            yield _text("correction" if is_correction else "message", role, text)
        self.stopped = self.stopped and role != "user"

    def _result(self, sent: dict[str, Any]) -> Event:
        call_id = self._call_id(sent)
        event = {"type": "tool_result", "role": "tool", "call_id": call_id, "output": _joined(sent.get("content"))}
        return event | {"tool": self.tools.get(call_id, ""), "is_error": bool(sent.get("is_error"))}

    def _confirmation(self, sent: dict[str, Any]) -> Iterator[Event]:
        """A denial is a correction; an approval is no step of its own."""
        if sent.get("result") != "deny":
            return
        call_id = self._call_id(sent)
        said = text_of(sent.get("deny_message")).strip()
        self.stopped = not said
        event = _text("correction" if said else "note", "user", said or "Denied by the user.")
        yield event | {"call_id": call_id, "tool": self.tools.get(call_id, "")}

    @staticmethod
    def _call_id(sent: dict[str, Any]) -> str:
        return text_of(next((sent[name] for name in _CALL_IDS if sent.get(name)), ""))


def _error(error: Any) -> Event:
    error = error if isinstance(error, dict) else {}
    return _text("error", "system", f"{text_of(error.get('type'))}: {text_of(error.get('message'))}")


def _note(sent: dict[str, Any], kind: str) -> Iterator[Event]:
    if kind == "user.define_outcome":
        yield _text("note", "user", f"Outcome asked for: {text_of(sent.get('description'))}")
    elif kind == "span.outcome_evaluation_end":
        verdict = f"Outcome evaluated: {text_of(sent.get('result'))}. {text_of(sent.get('explanation'))}"
        yield _text("note", "system", verdict)
    elif kind == "session.status_idle":
        reason = _stop_reason(sent)
        if reason not in _ORDINARY_STOPS:
            yield _text("note", "system", f"Stopped: {reason}")
    elif kind in ("agent.thread_message_sent", "agent.thread_message_received"):
        yield _text("note", "agent", f"{kind}: {_joined(sent.get('content'))}")
    else:
        told = {name: value for name, value in sent.items() if name not in ("id", "processed_at", "type")}
        yield _text("note", "system", clip(f"{kind}: {text_of(told)}" if told else kind, MAX_NOTE))


def _stop_reason(sent: dict[str, Any]) -> str:
    reason = sent.get("stop_reason")
    return text_of(reason.get("type")) if isinstance(reason, dict) else text_of(reason)


def _text(kind: str, role: str, text: str) -> Event:
    return {"type": kind, "role": role, "text": clean(text)}


def _joined(content: Any) -> str:
    if not isinstance(content, list):
        return text_of(content)
    return clean("\n".join(filter(None, map(_block, content))))


def _block(block: Any) -> str:
    """Its text; of what is no text, such as an image or what was redacted, its kind in brackets."""
    if not isinstance(block, dict):
        return text_of(block)
    if isinstance(block.get("text"), str):
        return clean(block["text"])
    inner = block.get("content")
    if isinstance(inner, list):  # a search result
        return "\n".join(filter(None, [text_of(block.get("title")), text_of(block.get("source")), _joined(inner)]))
    return f"[{text_of(block.get('type')) or 'block'}]"


def outcome_of(session: dict[str, Any], events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """How the session ended. The grader says so; else only a session that gave up after errors is known to have failed."""
    verdicts = _verdicts(session, events := list(events))
    if verdicts:
        statuses = {_STATUSES.get(result, "unknown") for result, _ in verdicts}
        status = statuses.pop() if len(statuses) == 1 else "partial" if statuses & {"success", "partial"} else "failure"
        told = "\n".join(f"{result}: {why}" if why else result for result, why in verdicts)
        return {"status": status, "source": SOURCE, "detail": clean(told)}
    stops = [_stop_reason(event) for event in events if event.get("type") == "session.status_idle"]
    if stops and stops[-1] == "retries_exhausted":
        return {"status": "failure", "source": "anthropic", "detail": "retries exhausted"}
    return {"status": "unknown"}


def _verdicts(session: dict[str, Any], events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Result and explanation of each outcome that was evaluated: of the session itself, else of its events."""
    said = [one for one in session.get("outcome_evaluations") or [] if isinstance(one, dict)]
    if not said:
        ended = (event for event in events if event.get("type") == "span.outcome_evaluation_end")
        said = list({text_of(event.get("outcome_id")): event for event in ended}.values())
    verdicts = [(text_of(one.get("result")), text_of(one.get("explanation"))) for one in said]
    return [verdict for verdict in verdicts if verdict[0] in _STATUSES]


def session_of(
    session: dict[str, Any], sent: list[dict[str, Any]], *, external_id: str, agent: str
) -> dict[str, Any] | None:
    """The session of format 1 that these events tell of, or None where they tell of no step."""
    talk = Talk()
    events = [event for one in sent for event in talk.events_of(one)]
    if not events:
        return None
    times = [event["at"] for event in events if "at" in event]
    made: dict[str, Any] = {
        "id": external_id, "agent": agent, "task": _task(sent, events), "metadata": _metadata(session),
        "outcome": outcome_of(session, sent), "events": fitted(events),
    }  # fmt: skip
    own = session.get("metadata") if isinstance(session.get("metadata"), dict) else {}
    for name, keys in (("principal", ("principal", "user_id", "user")), ("task_id", ("task_id",))):
        made[name] = next((clip(text_of(own[key]), 1_000) for key in keys if own.get(key)), "")
    return made | ({"started_at": min(times), "ended_at": max(times)} if times else {})


def _task(sent: list[dict[str, Any]], events: list[Event]) -> str:
    asked = (text_of(one.get("description")) for one in sent if one.get("type") == "user.define_outcome")
    said = (event["text"] for event in events if event["type"] == "message" and event["role"] == "user")
    return clip(next(asked, "") or next(said, ""), MAX_TASK)


def _metadata(session: dict[str, Any]) -> dict[str, Any]:
    agent = session.get("agent") if isinstance(session.get("agent"), dict) else {}
    model = agent.get("model")
    kept = {
        "source": "anthropic-managed-agents",
        "session": session.get("id"),
        "status": session.get("status"),
        "title": session.get("title"),
        "remote_agent": agent.get("id"),
        "remote_agent_name": agent.get("name"),
        "remote_agent_version": agent.get("version"),
        "model": model.get("id") if isinstance(model, dict) else model,
        "deployment_id": session.get("deployment_id"),
        "usage": session.get("usage"),
        "metadata": session.get("metadata"),
    }
    return {name: clean_json(value) for name, value in kept.items() if value not in (None, "", {})}
