"""What senders write, as JSON Schema: `docs/session.schema.json` without its heading, and its parts."""

from typing import Any

from sessions.format import MAX_SEQ

Shape = dict[str, Any]

_SEQ = "Order within the session, unique, gaps allowed."
_TEXT: Shape = {"type": "string"}
_TIME: Shape = {"type": "string", "format": "date-time"}

EVENT: Shape = {
    "type": "object",
    "required": ["seq", "type"],
    "properties": {
        "seq": {"type": "integer", "minimum": 0, "maximum": MAX_SEQ, "description": _SEQ},
        "type": {"enum": ["message", "tool_call", "tool_result", "correction", "error", "note"]},
        "role": {"enum": ["user", "agent", "system", "tool"]},
        "text": {"type": "string", "description": "Of a message, correction, error or note."},
        "tool": _TEXT,
        "call_id": {"type": "string", "description": "Joins a tool_result to its tool_call."},
        "input": {"description": "Of a tool_call: any JSON."},
        "output": {"description": "Of a tool_result: a string or any JSON."},
        "is_error": {"type": "boolean"},
        "at": _TIME,
        "duration_ms": {"type": "number", "minimum": 0},
    },
}
OUTCOME: Shape = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["success", "failure", "partial", "unknown"]},
        "score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "source": {"type": "string", "description": "Who says so: grader, user, system, test, ..."},
        "detail": _TEXT,
    },
}
_HEAD: Shape = {
    "id": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "description": "The producer's own id, unique within the agent. Sending it again replaces nothing and adds"
        " nothing (idempotent).",
    },
    "agent": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9._-]{0,99}$",
        "description": "Agent slug; created, gated, when first seen.",
    },
    "task": {"type": "string", "description": "What the run was asked to do."},
    "task_id": {
        "type": "string",
        "description": "The same for every run of the same task, so that good and bad runs can be contrasted.",
    },
    "principal": {
        "type": "string",
        "description": "The user or team on whose behalf the agent ran; team preferences are counted over distinct"
        " principals.",
    },
    "started_at": _TIME,
    "ended_at": _TIME,
    "outcome": OUTCOME,
    "metadata": {"type": "object"},
}
SESSION: Shape = {
    "type": "object",
    "required": ["id", "agent", "events"],
    "properties": {**_HEAD, "events": {"type": "array", "items": EVENT}},
}
OPENING: Shape = {"type": "object", "properties": _HEAD, "not": {"required": ["events"]}}
CLOSING: Shape = {
    "type": "object",
    "properties": {name: _HEAD[name] for name in ("ended_at", "outcome", "metadata")},
    "additionalProperties": False,
}
